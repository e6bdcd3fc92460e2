import { parseArgs } from 'node:util'

/** Each has a loopback address of its own. */
const mostClients = 250

export const caches = ['memory', 'redis', 'redis-killed'] as const

export interface ApiBenchOptions {
  readonly cache: (typeof caches)[number]
  /** Consoles that are open. */
  readonly clients: number
  /** Messages a second that come in meanwhile. */
  readonly rate: number
  /** Of measuring; warming up comes before. */
  readonly seconds: number
  readonly warmUpSeconds: number
}

export function parseApiOptions(args: readonly string[]): ApiBenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      cache: { type: 'string', default: 'memory' },
      clients: { type: 'string', default: '50' },
      rate: { type: 'string', default: '10000' },
      seconds: { type: 'string', default: '60' },
      'warm-up': { type: 'string', default: '10' },
    },
  })
  const cache = caches.find((name) => name === values.cache)
  if (cache === undefined) throw new Error(`--cache ${values.cache} is none of ${caches.join(', ')}`)
  return {
    cache,
    clients: upTo(mostClients, 'clients', values.clients),
    rate: positive('rate', values.rate),
    seconds: positive('seconds', values.seconds),
    warmUpSeconds: positive('warm-up', values['warm-up']),
  }
}

function upTo(most: number, name: string, text: string): number {
  const number = positive(name, text)
  if (number <= most) return number
  throw new Error(`--${name} ${text} is more than ${most}`)
}

function positive(name: string, text: string): number {
  const number = Number(text)
  if (Number.isInteger(number) && number > 0) return number
  throw new Error(`--${name} ${text} is not a whole number above 0`)
}
