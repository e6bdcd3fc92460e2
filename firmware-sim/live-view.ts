import type { FleetStatus } from './fleet.ts'

/** What a run shows while it goes on. */
export interface LiveView {
  show(status: FleetStatus, alertsFiring: number | undefined): void
}

interface Output {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

/** A few lines that are written over on a terminal; elsewhere one line each time. */
export function createLiveView(output: Output, durationMs: number): LiveView {
  let lines = 0
  return {
    show(status, alertsFiring) {
      if (output.isTTY !== true) {
        output.write(`${describe(status, alertsFiring, durationMs).join(' · ')}\n`)
        return
      }
      const shown = describe(status, alertsFiring, durationMs).map((line) => line.slice(0, (output.columns || 80) - 1))
      // Up to the first line of the time before; each line is cleared as it is written.
      output.write(`${lines > 0 ? `\x1b[${lines}A` : ''}${shown.map((line) => `\r\x1b[K${line}\n`).join('')}`)
      lines = shown.length
    },
  }
}

function describe(status: FleetStatus, alertsFiring: number | undefined, durationMs: number): string[] {
  const { devices, connected, durationS, sent, acked, ackedPerS, unacked, skipped, reconnects } = status
  const faulty = Object.entries(status.faulty).map(([kind, count]) => `${kind} ${count}`)
  return [
    `${durationS.toFixed(0)} of ${(durationMs / 1_000).toFixed(0)} s · ${connected} of ${devices} devices connected`,
    `sent ${sent} · acked ${acked} (${ackedPerS}/s) · waiting ${unacked} · skipped ${skipped} · reconnects ${reconnects}`,
    `ack p50 ${status.ackP50Ms.toFixed(1)} ms · p99 ${status.ackP99Ms.toFixed(1)} ms`,
    `faults: ${faulty.join(', ') || 'none'} · alerts firing: ${alertsFiring ?? '?'}`,
  ]
}
