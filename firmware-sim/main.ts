import { Command, InvalidArgumentError, Option } from 'commander'
import { type FleetSummary, runFleet } from './fleet.ts'
import { isSimulatedProfile, type SimulatedProfile, signalOfProfile } from './signals/profiles.ts'

/** What `pelbiot simulate` starts: a fleet of devices against a running platform. */

interface Options {
  readonly url: string
  readonly mqtt: string
  readonly key: string
  readonly devices: number
  readonly profile: SimulatedProfile
  readonly rate?: number
  readonly duration: number
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

function profile(text: string): SimulatedProfile {
  if (isSimulatedProfile(text)) return text
  throw new InvalidArgumentError(`one of ${Object.keys(signalOfProfile).join(', ')}, please.`)
}

const program = new Command('pelbiot simulate')
  .description('Registers devices over HTTP and lets them publish over MQTT, with believable, seeded signals.')
  .option('--url <url>', 'HTTP address of the platform', 'http://127.0.0.1:8080')
  .option('--mqtt <url>', 'MQTT address of the platform', 'mqtt://127.0.0.1:1883')
  .addOption(new Option('--key <key>', "an admin's API key").env('PELBIOT_KEY').makeOptionMandatory())
  .option('--devices <count>', 'how many devices', wholeNumber(1, 20_000), 10)
  .option('--profile <id>', `one of ${Object.keys(signalOfProfile).join(', ')}`, profile, 'meter-1ph')
  .option('--rate <perSecond>', 'messages a second of the whole fleet (default: one per device)', rate)
  .option('--duration <time>', 'how long: 90s, 5m, 1h', duration, 60_000)
  .addOption(
    new Option('--qos <level>', 'quality of service').choices(['0', '1', '2']).default(1).argParser(wholeNumber(0, 2)),
  )
  .option('--persistent', 'sessions that outlive their connection, instead of clean ones')
  .option('--seed <number>', 'the same seed gives the same devices', wholeNumber(0, 2 ** 31), 1)
  .option('--utc-offset <hours>', "what the devices' local day is ahead of UTC", number, 7)
  .option('--prefix <text>', 'device ids are {prefix}-{number}', `sim-${Date.now().toString(36)}`)
  .option('--json', 'print a JSON summary as the last line')

const options = program.parse().opts<Options>()
const interrupted = new AbortController()
process.once('SIGINT', () => interrupted.abort()).once('SIGTERM', () => interrupted.abort())
try {
  const summary = await runFleet(
    {
      httpUrl: options.url,
      mqttUrl: options.mqtt,
      key: options.key,
      prefix: options.prefix,
      devices: options.devices,
      profile: options.profile,
      ratePerS: options.rate ?? options.devices,
      durationMs: options.duration,
      qos: options.qos,
      clean: options.persistent !== true,
      seed: options.seed,
      utcOffsetMs: options.utcOffset * 3_600_000,
    },
    showLive,
    interrupted.signal,
  )
  showLive(summary)
  process.stderr.write('\n')
  if (options.json) process.stdout.write(`${JSON.stringify(summary)}\n`)
  process.exitCode = summary.unacked === 0 || options.qos === 0 ? 0 : 1
} catch (error) {
  process.stderr.write(`pelbiot simulate: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}

/** One line that is written over on a terminal; elsewhere a line each time. */
function showLive({ durationS, sent, acked, unacked, skipped, ackedPerS, ackP50Ms, ackP99Ms }: FleetSummary): void {
  const line =
    `${durationS.toFixed(0)} s · sent ${sent} · acked ${acked} (${ackedPerS}/s) · waiting ${unacked} · ` +
    `skipped ${skipped} · p50 ${ackP50Ms.toFixed(1)} ms · p99 ${ackP99Ms.toFixed(1)} ms`
  process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${line}` : `${line}\n`)
}
