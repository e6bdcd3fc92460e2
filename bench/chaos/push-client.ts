import { setTimeout as delay } from 'node:timers/promises'
import { type Ledger, markAcked, type SentMessage } from './ledger.ts'
import type { MessageMaker } from './messages.ts'
import type { ChaosClient } from './mqtt-client.ts'

export interface PushOptions {
  readonly httpPort: number
  /** Whose readings they are, and the token of the device itself or of its gateway. */
  readonly id: string
  readonly token: string
  readonly slots: number
}

const againMs = 50
const pauseMs = 2
/** A request whose platform was killed may never be answered. */
const answerTimeoutMs = 5_000

/** A device that pushes over HTTP: what gets no 204 is sent again, the very same, until it does. */
export function startPushClient(options: PushOptions, maker: MessageMaker, ledger: Ledger): ChaosClient {
  const { httpPort, id, token, slots } = options
  const url = `http://127.0.0.1:${httpPort}/api/v1/devices/${id}/telemetry`
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const closing = new AbortController()
  let acked = 0
  let finishing = false
  let failure: Error | undefined

  async function push({ payload: body }: SentMessage): Promise<boolean> {
    const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(answerTimeoutMs)])
    const response = await fetch(url, { method: 'POST', headers, body, signal }).catch(() => undefined)
    const text = await response?.text().catch(() => '')
    if (response !== undefined && response.status >= 400 && response.status < 500)
      failure = new Error(`push for ${id} failed: ${response.status} ${text}`)
    return response?.status === 204
  }

  async function run(slot: number): Promise<void> {
    while (!finishing && !closing.signal.aborted) {
      const message = maker.next(slot)
      ledger.record(message)
      while (!(await push(message))) {
        if (failure !== undefined) throw failure
        if (closing.signal.aborted) return
        await delay(againMs)
      }
      markAcked(message)
      acked++
      await delay(pauseMs)
    }
  }

  const running = Promise.all(Array.from({ length: slots }, (_, slot) => run(slot)))
  // Whoever finishes sees it; until then everything it sends fails to be acknowledged.
  running.catch(() => {})
  return {
    name: `${id} (HTTP)`,
    get acked() {
      return acked
    },
    async finish() {
      finishing = true
      await running
    },
    async close() {
      closing.abort()
      await running.catch(() => {})
    },
  }
}
