import { parseArgs } from 'node:util'
import type { Load } from './ingest-peers.ts'

export interface IngestOptions extends Load {
  readonly against: 'mosquitto' | 'no-rules' | 'no-follower'
  readonly rounds: number
}

/** Messages in flight over all connections, unless `--window` says how many on each. */
const inFlight = 5_000

export function parseIngestOptions(args: readonly string[]): IngestOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      against: { type: 'string', default: 'mosquitto' },
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '20' },
      devices: { type: 'string', default: '50' },
      connections: { type: 'string' },
      window: { type: 'string' },
    },
  })
  const { against } = values
  if (against !== 'mosquitto' && against !== 'no-rules' && against !== 'no-follower')
    throw new Error(`--against ${against} is neither mosquitto nor no-rules nor no-follower`)
  const devices = positive('devices', values.devices)
  const connections = positive('connections', values.connections ?? values.devices)
  if (connections > devices) throw new Error(`${connections} connections need as many devices`)
  return {
    against,
    rounds: positive('rounds', values.rounds),
    seconds: positive('seconds', values.seconds),
    devices,
    connections,
    window: positive('window', values.window ?? String(Math.max(5, Math.round(inFlight / connections)))),
  }
}

function positive(name: string, text: string): number {
  const number = Number(text)
  if (Number.isInteger(number) && number > 0) return number
  throw new Error(`--${name} ${text} is not a whole number above 0`)
}
