import { Command, InvalidArgumentError, Option } from 'commander'
import { type FaultKind, faultKinds, isFaultKind } from './faults/faults.ts'
import { createLiveView } from './live-view.ts'
import { isSimulatedProfile, type SimulatedProfile, signalOfProfile } from './signals/profiles.ts'
import { simulate } from './simulate.ts'

/** What `pelbiot simulate` starts: a fleet of devices against a running platform. */

interface Options {
  readonly url: string
  readonly mqtt: string
  readonly key: string
  readonly devices: number
  readonly profile: SimulatedProfile | 'estate'
  readonly rate?: number
  readonly duration: number
  readonly ramp?: number
  readonly faults: readonly FaultKind[]
  readonly verify?: boolean
  readonly recipients: readonly string[]
  readonly remove?: boolean
  readonly qos: 0 | 1 | 2
  readonly persistent?: boolean
  readonly seed: number
  readonly utcOffset: number
  readonly prefix: string
  readonly json?: boolean
}

const wholeNumber = (low: number, high: number) => (text: string) => {
  const number = Number(text)
  if (/^\d+$/.test(text) && number >= low && number <= high) return number
  throw new InvalidArgumentError(`a whole number from ${low} to ${high}, please.`)
}

function number(text: string): number {
  const parsed = Number(text)
  if (text.trim() !== '' && Number.isFinite(parsed)) return parsed
  throw new InvalidArgumentError('a number, please.')
}

function rate(text: string): number {
  const perS = number(text)
  if (perS > 0 && perS <= 1e6) return perS
  throw new InvalidArgumentError('more than 0 and at most 1000000 a second, please.')
}

const msOfUnit: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 }

function duration(text: string): number {
  const [, amount, unit = 's'] = /^(\d+(?:\.\d+)?)([smh])?$/.exec(text) ?? []
  if (amount !== undefined) return Number(amount) * (msOfUnit[unit] ?? 1_000)
  throw new InvalidArgumentError('for instance 90s, 5m or 1h, please.')
}

function profile(text: string): Options['profile'] {
  if (text === 'estate' || isSimulatedProfile(text)) return text
  throw new InvalidArgumentError(`estate or one of ${profileNames}, please.`)
}

function faultList(text: string): readonly FaultKind[] {
  if (text === 'all') return faultKinds
  if (text === 'none') return []
  return text.split(',').map((name) => {
    if (isFaultKind(name)) return name
    throw new InvalidArgumentError(`all, none, or some of ${faultKinds.join(',')}, please.`)
  })
}

const profileNames = Object.keys(signalOfProfile).join(', ')
const addresses = (text: string) => text.split(',').flatMap((address) => address.trim() || [])
/** The fleet connects within the first tenth of the duration. */
const ramp = { share: 0.1, mostMs: 10_000 }
/** Beyond so many the rest is counted. */
const problemsTold = 20

const program = new Command('pelbiot simulate')
  .description(
    'Registers devices over HTTP and lets them publish over MQTT, with believable, seeded signals and faults.',
  )
  .option('--url <url>', 'HTTP address of the platform', 'http://127.0.0.1:8080')
  .option('--mqtt <url>', 'MQTT address of the platform', 'mqtt://127.0.0.1:1883')
  .addOption(new Option('--key <key>', "an admin's API key").env('PELBIOT_KEY').makeOptionMandatory())
  .option('--devices <count>', 'how many devices', wholeNumber(1, 20_000), 14)
  .option('--profile <id>', `estate (points that belong together), or all of ${profileNames}`, profile, 'estate')
  .option('--rate <perSecond>', 'messages a second of the whole fleet (default: one per device)', rate)
  .option('--duration <time>', 'how long: 90s, 5m, 1h', duration, 60_000)
  .option('--ramp <time>', 'in which the devices connect one by one (default: a tenth of the duration)', duration)
  .option('--faults <list>', `all, none, or some of ${faultKinds.join(',')}`, faultList, [])
  .option('--verify', 'compare what the platform stored, raised and mailed with what was sent; exit 1 if they differ')
  .addOption(
    new Option('--recipients <list>', "with --verify: the platform's ALERT_EMAIL, comma-separated")
      .env('ALERT_EMAIL')
      .default([])
      .argParser(addresses),
  )
  .option('--remove', 'remove the devices from the platform in the end; what they measured stays')
  .addOption(
    new Option('--qos <level>', 'quality of service').choices(['0', '1', '2']).default(1).argParser(wholeNumber(0, 2)),
  )
  .option('--persistent', 'sessions that outlive their connection, instead of clean ones')
  .option('--seed <number>', 'the same seed gives the same devices and faults', wholeNumber(0, 2 ** 31), 1)
  .option('--utc-offset <hours>', "what the devices' local day is ahead of UTC", number, 7)
  .option('--prefix <text>', 'device ids begin with it', `sim-${Date.now().toString(36)}`)
  .option('--json', 'print a JSON summary as the last line')

const options = program.parse().opts<Options>()
const interrupted = new AbortController()
process.once('SIGINT', () => interrupted.abort()).once('SIGTERM', () => interrupted.abort())
const view = createLiveView(process.stderr, options.duration)
const say = (line: string) => process.stderr.write(`${line}\n`)
try {
  const { status, result } = await simulate(
    {
      httpUrl: options.url,
      mqttUrl: options.mqtt,
      key: options.key,
      prefix: options.prefix,
      devices: options.devices,
      profile: options.profile,
      faults: options.faults,
      ratePerS: options.rate ?? options.devices,
      durationMs: options.duration,
      rampMs: options.ramp ?? Math.min(ramp.mostMs, options.duration * ramp.share),
      qos: options.qos,
      clean: options.persistent !== true,
      seed: options.seed,
      utcOffsetMs: options.utcOffset * 3_600_000,
      verify: options.verify === true,
      remove: options.remove === true,
      recipients: options.recipients,
      onProgress: view.show,
      say,
    },
    interrupted.signal,
  )
  const problems = result?.problems ?? []
  for (const problem of problems.slice(0, problemsTold)) say(problem)
  if (problems.length > problemsTold) say(`and ${problems.length - problemsTold} more`)
  const summary = result?.verdict ?? status
  process.stdout.write(options.json ? `${JSON.stringify(summary)}\n` : result === undefined ? '' : inWords(summary))
  const unanswered = status.unacked > 0 && options.qos > 0
  if (unanswered) say(`${status.unacked} messages were never acknowledged`)
  process.exitCode = problems.length === 0 && !unanswered ? 0 : 1
} catch (error) {
  say(`pelbiot simulate: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}

function inWords(summary: object): string {
  const words = Object.entries(summary).map(([name, value]) => `${name} ${value}`)
  return `${words.join(', ')}\n`
}
