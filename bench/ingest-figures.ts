import type { PlatformRound } from './ingest-peers.ts'
import { median } from './median.ts'

/** What several rounds against the platform amount to: medians, and the worst of what must not happen. */
export function platformFigures(rounds: readonly PlatformRound[]) {
  const typical = (decimals: number, figure: (round: PlatformRound) => number) =>
    rounded(median(rounds.map(figure)), decimals)
  const worst = (decimals: number, figure: (round: PlatformRound) => number) =>
    rounded(Math.max(...rounds.map(figure)), decimals)
  return {
    ackedPerS: typical(0, (round) => round.ackedPerS),
    storedPerS: typical(0, (round) => round.storedPerS),
    ackP50Ms: typical(2, ({ load }) => load.ackP50Ms),
    ackP99Ms: typical(2, ({ load }) => load.ackP99Ms),
    drainS: worst(2, (round) => round.drainS),
    maxLag: worst(0, (round) => round.maxLag),
    cpuPct: typical(0, (round) => round.cpuPct),
    cpuUsPerMessage: typical(3, (round) => round.cpuUsPerMessage),
    rssAnonMb: worst(0, (round) => round.rssAnonMb),
    generatorCpuPct: typical(0, ({ load }) => load.cpuPct),
  }
}

export function tellRound(round: PlatformRound): string {
  return (
    `${format(round.ackedPerS)} acked/s, p99 ${round.load.ackP99Ms.toFixed(1)} ms, ${format(round.storedPerS)} stored/s, ` +
    `drained in ${round.drainS.toFixed(2)} s, lag ${round.maxLag}, CPU ${round.cpuPct.toFixed(0)} %, ` +
    `${round.cpuUsPerMessage.toFixed(2)} µs a message`
  )
}

export function rounded(value: number, decimals: number): number {
  return Number(value.toFixed(decimals))
}

export function format(value: number): string {
  return Math.round(value).toLocaleString('en')
}
