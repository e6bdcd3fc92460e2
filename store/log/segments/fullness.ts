import type { AppError } from '../../../model/index.ts'
import { anyOf } from './wait.ts'

/** How often a full log looks whether it has room again. */
const probeMs = 100

export interface FullnessDeps {
  /** Makes what room it can; true when `neededBytes` would fit. A rejection is final. */
  readonly hasRoom: (neededBytes: number) => Promise<boolean>
  readonly onChange: (full: boolean) => void
  readonly onFailure: (error: unknown) => void
}

/** Whether the log refuses for want of room, and the watch for room while it does. */
export interface Fullness {
  /** Why nothing is taken; undefined while there is room. */
  readonly reason: AppError | undefined
  enter(reason: AppError, neededBytes: number): void
  waitForRoom(signal: AbortSignal): Promise<void>
  /** Ends the watch and every wait: the log closes, or has failed. */
  stop(): Promise<void>
}

export function createFullness({ hasRoom, onChange, onFailure }: FullnessDeps): Fullness {
  const stopping = new AbortController()
  let state: { readonly reason: AppError; readonly neededBytes: number; readonly room: AbortController } | undefined
  let timer: NodeJS.Timeout | undefined
  let probing: Promise<void> = Promise.resolve()

  const probeLater = (): void => {
    if (stopping.signal.aborted) return
    timer = setTimeout(() => {
      probing = probe().catch(onFailure)
    }, probeMs)
  }

  const probe = async (): Promise<void> => {
    if (state === undefined) return
    if (!(await hasRoom(state.neededBytes))) return probeLater()
    const { room } = state
    state = undefined
    onChange(false)
    room.abort()
  }

  return {
    get reason() {
      return state?.reason
    },
    enter(reason, neededBytes) {
      state = { reason, neededBytes, room: new AbortController() }
      onChange(true)
      probeLater()
    },
    async waitForRoom(signal) {
      while (state !== undefined && !stopping.signal.aborted && !signal.aborted) {
        await anyOf([state.room.signal, stopping.signal, signal])
      }
    },
    async stop() {
      stopping.abort()
      clearTimeout(timer)
      await probing
    },
  }
}
