import { setTimeout as delay } from 'node:timers/promises'
import { createLatencyHistogram } from '../../model/index.ts'
import { type RawConfig, type RawSummary, rawPhases } from './config.ts'
import { PreparedPublishes } from './prepared-publishes.ts'
import { RawConnection } from './raw-connection.ts'

/** So many connections are being opened at a time: a listener's backlog is no more patient. */
const openingAtOnce = 64
const openTimeoutMs = 30_000
/** How often a paced load is let go on. */
const paceMs = 5

/**
 * Loads a broker as hard as its PUBACKs allow, from one process, with `meter-1ph` messages that all differ. When the
 * time is over, or `enough` says so, it sends no more, waits for the PUBACKs still owed, and tells exactly which device got how many.
 */
export async function runRawGenerator(
  config: RawConfig,
  say: (line: string) => void,
  enough: AbortSignal,
): Promise<RawSummary> {
  const latencies = createLatencyHistogram()
  const connections = config.connections.map(({ devices, clientId, username, password }, i) => {
    const { host, port, window, startMs, stepMs } = config
    const publishes = new PreparedPublishes({ devices, startMs, stepMs, seed: config.seed + i, packets: 2 * window })
    return new RawConnection(
      { host, port, clientId, username, password, devices: devices.length, window },
      publishes,
      latencies,
    )
  })
  try {
    for (let i = 0; i < connections.length; i += openingAtOnce) {
      const signal = AbortSignal.timeout(openTimeoutMs)
      await Promise.all(connections.slice(i, i + openingAtOnce).map((connection) => connection.open(signal)))
    }
    const total = () => connections.reduce((sum, connection) => sum + connection.acked, 0)
    const unacked = () => connections.reduce((sum, connection) => sum + connection.sent - connection.acked, 0)

    say(rawPhases.sending)
    const cpuAtStart = process.cpuUsage()
    const startMs = performance.now()
    const pacing = startPacing(connections, config, startMs)
    for (const connection of connections) connection.startSending()
    await sendFor(config.seconds, { total, say, enough })
    clearInterval(pacing)
    for (const connection of connections) connection.stopSending()
    const durationS = (performance.now() - startMs) / 1_000
    const cpu = process.cpuUsage(cpuAtStart)
    const ackedWhileSending = total()
    say(rawPhases.draining)

    const drainEndMs = performance.now() + config.drainSeconds * 1_000
    while (unacked() > 0 && performance.now() < drainEndMs) await delay(5)

    return {
      acked: total(),
      unacked: unacked(),
      durationS,
      ackedWhileSending,
      ackP50Ms: latencies.percentileMs(0.5),
      ackP99Ms: latencies.percentileMs(0.99),
      cpuPct: Math.round((cpu.user + cpu.system) / 10_000 / durationS),
      failures: connections.flatMap(({ failure }, i) =>
        failure === undefined ? [] : [`${config.connections[i]?.clientId}: ${failure}`],
      ),
      devices: Object.fromEntries(
        connections.flatMap((connection, i) =>
          (config.connections[i]?.devices ?? []).map((device, at) => [device, connection.ackedOf[at] ?? 0]),
        ),
      ),
    }
  } finally {
    for (const connection of connections) connection.close()
  }
}

/** Allows each connection its part of the rate; those that cannot keep up catch up later. */
function startPacing(
  connections: readonly RawConnection[],
  { messagesPerS, burst }: Pick<RawConfig, 'messagesPerS' | 'burst'>,
  startMs: number,
): NodeJS.Timeout | undefined {
  if (messagesPerS === undefined) return undefined
  const allow = () => {
    const total = ((performance.now() - startMs) / 1_000) * messagesPerS
    // One connection after the other, each with a whole burst.
    for (const [i, connection] of connections.entries())
      connection.allow(burst * Math.floor((total / burst + i) / connections.length))
  }
  allow()
  return setInterval(allow, paceMs)
}

interface Sending {
  /** PUBACKs until now. */
  total(): number
  say(line: string): void
  readonly enough: AbortSignal
}

/** Says the rate once a second. */
async function sendFor(seconds: number, { total, say, enough }: Sending): Promise<void> {
  const endMs = performance.now() + seconds * 1_000
  let before = 0
  for (let nowMs = performance.now(); nowMs < endMs && !enough.aborted; nowMs = performance.now()) {
    const sliceMs = Math.min(1_000, endMs - nowMs)
    await delay(sliceMs, undefined, { signal: enough }).catch(() => {})
    const acked = total()
    say(`${Math.round(((acked - before) / (performance.now() - nowMs)) * 1_000)} acked/s`)
    before = acked
  }
}
