import { AppError } from '../model/index.ts'
import type { Actor, ChangeUnit, State } from '../store/state/index.ts'
import type { ControlRelay } from './ports.ts'
import type { PrincipalContext } from './route.ts'

/** Who acts, and in which request that names itself, if it does. */
type NamedActor = Actor & Pick<PrincipalContext, 'repeat'>

/** How routes write: nothing else in this folder calls `state.change`. */
export interface Changes {
  /**
   * Commits the work with its audit rows and control frames, and resolves once those frames are in the log. Before it
   * writes anything it appends what earlier changes left behind, so a log that takes nothing refuses the change whole.
   * In a request that names itself, the result is kept in the same transaction and has to survive JSON; a change that was
   * made by an earlier attempt is not made again.
   */
  apply<Result>(context: PrincipalContext, work: (unit: ChangeUnit) => Promise<Result>): Promise<Result>
  /**
   * For what makes no control frame (people, their accounts and sessions): the same, whatever the log is doing. Somebody must
   * be able to sign in to look after a log that is full.
   */
  applyUnlogged<Result>(actor: NamedActor, work: (unit: ChangeUnit) => Promise<Result>): Promise<Result>
}

export function createChanges(state: Pick<State, 'change'>, relay: ControlRelay): Changes {
  async function commit<Result>(actor: NamedActor, work: (unit: ChangeUnit) => Promise<Result>): Promise<Result> {
    const { principal, requestId, address, repeat } = actor
    // What a change resulted in under this name and at this place is what `work` would have.
    if (repeat?.isMade) return repeat.take() as Result
    const result = await state.change({ principal, requestId, address }, async (unit) => {
      const result = await work(unit)
      if (repeat) repeat.madeRoom += await unit.answers.keepResults(repeat.request, repeat.with(result))
      return result
    })
    repeat?.add(result)
    return result
  }

  return {
    async apply(context, work) {
      await relay.flush()
      const result = await commit(context, work)
      await relay.flush().catch((cause: unknown) => {
        throw new AppError(
          'store_unavailable',
          'the change is stored, but the log has no room for it yet; it takes effect as soon as there is, without being sent again',
          { cause, retryable: true },
        )
      })
      return result
    },

    applyUnlogged: commit,
  }
}
