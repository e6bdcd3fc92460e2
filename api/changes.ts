import { AppError } from '../model/index.ts'
import type { Actor, ChangeUnit, State } from '../store/state/index.ts'
import type { ControlRelay } from './ports.ts'
import type { PrincipalContext } from './route.ts'

/** How routes write: nothing else in this folder calls `state.change`. */
export interface Changes {
  /**
   * Commits the work with its audit rows and control frames, and resolves once those frames are in the log. Before it
   * writes anything it appends what earlier changes left behind, so a log that takes nothing refuses the change whole.
   */
  apply<Result>(context: PrincipalContext, work: (unit: ChangeUnit) => Promise<Result>): Promise<Result>
  /**
   * For what makes no control frame (people, their accounts and sessions): the same, whatever the log is doing. Somebody must
   * be able to sign in to look after a log that is full.
   */
  applyUnlogged<Result>(actor: Actor, work: (unit: ChangeUnit) => Promise<Result>): Promise<Result>
}

export function createChanges(state: Pick<State, 'change'>, relay: ControlRelay): Changes {
  return {
    async apply({ principal, requestId, address }, work) {
      await relay.flush()
      const result = await state.change({ principal, requestId, address }, work)
      await relay.flush().catch((cause: unknown) => {
        throw new AppError(
          'store_unavailable',
          'the change is stored, but the log has no room for it yet; it takes effect as soon as there is, without being sent again',
          { cause, retryable: true },
        )
      })
      return result
    },

    applyUnlogged: ({ principal, requestId, address }, work) => state.change({ principal, requestId, address }, work),
  }
}
