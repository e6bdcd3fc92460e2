import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { Command, InvalidArgumentError, Option } from 'commander'
import {
  AppError,
  type DeviceId,
  isAppError,
  isMailAddress,
  type Language,
  languages,
  linkUrl,
  type ProfileId,
  parseDeviceId,
  parseProfileId,
  parseSiteId,
  type Role,
  roles,
  type SiteId,
} from '../model/index.ts'
import packageJson from '../package.json' with { type: 'json' }
// What a command needs beyond its arguments is loaded when it runs: a start has no time for the others.
import type { Made, withAdmin } from './cli/admin.ts'
import type { VerifyOptions } from './cli/audit.ts'
import type { DemoOptions } from './cli/demo.ts'
import type { CopyOptions } from './cli/readings-copy.ts'
import { loadConfig } from './config.ts'
import { findRunning } from './data-folder.ts'
import { createLogger } from './logging.ts'
import { readingStores } from './reading-stores.ts'

const exitCodes = { failed: 1, misuse: 2 } as const

/** Parsers throw AppErrors; commander shows its own. */
function argument<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text)
    } catch (error) {
      throw new InvalidArgumentError(error instanceof Error ? error.message : String(error))
    }
  }
}

function print(json: boolean, value: object, text: string): void {
  process.stdout.write(`${json ? JSON.stringify(value) : text}\n`)
}

interface JsonOption {
  readonly json?: boolean
}

const program = new Command('pelbiot')
  .description('MQTT-native electricity metering. Settings come from the environment and from .env: docs/settings.md')
  .version(packageJson.version)
  // Before there are commands: they inherit it.
  .exitOverride()

program
  .command('start')
  .description('run the platform until SIGTERM or SIGINT')
  .action(async () => {
    const config = loadConfig(process.env)
    const { start } = await import('./cli/start.ts')
    await start(config)
  })

program
  .command('demo')
  .description('run an example building on embedded defaults and loopback, with a month of history')
  .option('--data <folder>', 'where it keeps its data; made anew at each start', 'data-demo')
  .option('--days <days>', 'days of history to begin with, 0 to 34', argument(parseDays), 30)
  .action(async (options: DemoOptions) => (await import('./cli/demo.ts')).demo(options))

const device = program.command('device').description('devices of the platform on DATA_DIR')
device
  .command('add')
  .description('register a device and print its token; the MQTT user name is its id, the password its token')
  .argument('<id>', 'device id', argument(parseDeviceId))
  .requiredOption(
    '--profile <id>',
    'profile: meter-1ph, meter-3ph, transformer, weather-station',
    argument(parseProfileId),
  )
  .option('--site <id>', 'site', argument(parseSiteId), parseSiteId('main'))
  .option('--json', 'print one JSON object')
  .action(async (id: DeviceId, options: JsonOption & { profile: ProfileId; site: SiteId }) => {
    const made = await administer((admin) => {
      return admin.addDevice({ id, profileId: options.profile, siteId: options.site })
    })
    print(options.json ?? false, made, `device ${made.id}\ntoken  ${made.token}\nThe token is shown this once.`)
  })

const key = program.command('key').description('API keys of the platform on DATA_DIR')
key
  .command('create')
  .description('make an API key and print it')
  .argument('<name>', 'what or whom it is for')
  .addOption(new Option('--role <role>', 'what it may do').choices(roles).default('viewer'))
  .option('--site <id...>', 'limit it to these sites', (text: string, before: SiteId[] = []) => {
    return [...before, argument(parseSiteId)(text)]
  })
  .option('--json', 'print one JSON object')
  .action(async (name: string, options: JsonOption & { role: Role; site?: SiteId[] }) => {
    const made = await administer((admin) => {
      return admin.createKey({ name, role: options.role, sites: options.site ?? 'all' })
    })
    print(options.json ?? false, made, `key   ${made.id}\ntoken ${made.token}\nThe token is shown this once.`)
  })

const user = program.command('user').description('people of the platform on DATA_DIR')
user
  .command('add')
  .description('add a person and print the link by which they set their password')
  .argument('<email>', 'their mail address', argument(parseEmail))
  .addOption(new Option('--role <role>', 'what they may do').choices(roles).default('viewer'))
  .option('--sites <id...>', 'limit them to these sites', (text: string, before: SiteId[] = []) => {
    return [...before, argument(parseSiteId)(text)]
  })
  .option('--name <name>', 'what they are called; their address otherwise')
  .addOption(new Option('--language <language>', 'of their mails').choices(languages).default('en'))
  .option('--password-stdin', 'read their password from standard input instead')
  .option('--json', 'print one JSON object')
  .action(async (email: string, options: UserOptions) => {
    const password = options.passwordStdin ? (await text(process.stdin)).replace(/\r?\n$/, '') : undefined
    const { role, language, sites = 'all', name = email } = options
    const made = await administer((admin) => admin.addPerson({ email, name, role, sites, language, password }))
    printPerson(made, options)
  })
user
  .command('link')
  .description('print a link by which somebody sets a new password')
  .argument('<email>', 'their mail address', argument(parseEmail))
  .option('--remove-second-factor', 'for somebody who has lost that too')
  .option('--json', 'print one JSON object')
  .action(async (email: string, options: JsonOption & { removeSecondFactor?: boolean }) => {
    const loses = { secondFactor: options.removeSecondFactor === true }
    printPerson(await administer((admin) => admin.linkPerson(email, loses)), options)
  })

interface UserOptions extends JsonOption {
  readonly role: Role
  readonly sites?: SiteId[]
  readonly name?: string
  readonly language: Language
  readonly passwordStdin?: boolean
}

function printPerson({ id, token }: Made, { json = false }: JsonOption): void {
  const { api, dataDir } = loadConfig(process.env)
  const base = api.publicUrl ?? findRunning(dataDir)?.httpUrl ?? `http://127.0.0.1:${api.port ?? api.tlsPort}`
  const url = token === '' ? null : linkUrl(base, token)
  const lines = url === null ? [] : [`link   ${url}`, 'Good once, for a week.']
  print(json, { id, url }, [`person ${id}`, ...lines].join('\n'))
}

program
  .command('audit')
  .description('who changed what on the platform on DATA_DIR')
  .command('verify')
  .description(
    'verify that nobody has changed, removed or added an entry of the audit log; exit code 1 if somebody has',
  )
  .option('--expect <hash>', 'checkpoint of an earlier verification that has to be there', argument(parseHash))
  .option('--json', 'print one JSON object')
  .action(async (options: VerifyOptions) => {
    const { verifyAuditLog } = await import('./cli/audit.ts')
    const intact = await verifyAuditLog(loadConfig(process.env), options)
    if (!intact) process.exitCode = exitCodes.failed
  })

const readings = program.command('readings').description('where the readings rest, while no platform runs')
readings
  .command('copy')
  .description('copy all readings from one store to the other, and compare counts and sums; goes on where it stopped')
  .addOption(new Option('--from <store>', 'where they are').choices(readingStores).makeOptionMandatory())
  .addOption(new Option('--to <store>', 'where they go').choices(readingStores).makeOptionMandatory())
  .option('--json', 'print one JSON object')
  .action(async ({ json = false, ...options }: JsonOption & CopyOptions) => {
    const { copyBetweenStores, describeCopy } = await import('./cli/readings-copy.ts')
    const result = await copyBetweenStores(loadConfig(process.env), options)
    print(json, result, describeCopy(result))
    if (result.refused > 0 || result.differences.length > 0) process.exitCode = exitCodes.failed
  })

const migrate = program.command('migrate').description("the state database's schema, while no platform runs")
for (const [name, text] of [
  ['status', 'print what is applied'],
  ['up', 'apply what is missing; a start does so by itself'],
] as const) {
  migrate
    .command(name)
    .description(text)
    .option('--json', 'print one JSON object')
    .action((options: JsonOption) => migrateState(name, 0, options))
}
migrate
  .command('down')
  .description('take back migrations, and the data they hold')
  .argument('<target>', 'number of the migration to stay at; 0 takes back all', argument(parseTarget))
  .option('--json', 'print one JSON object')
  .action((target: number, options: JsonOption) => migrateState('down', target, options))

program
  .command('simulate')
  .description('run simulated devices against a platform; `simulate --help` prints its options')
  .allowUnknownOption()
  .helpOption(false)
  .argument('[options...]')
  .action(simulate)

program
  .command('settings')
  .description('print every setting with its default and meaning')
  .addOption(new Option('--format <format>', 'how').choices(['markdown', 'env']).default('markdown'))
  .action(async ({ format }: { format: string }) => {
    const { settingsEnvFile, settingsMarkdown } = await import('./cli/settings-table.ts')
    process.stdout.write(format === 'env' ? settingsEnvFile() : settingsMarkdown())
  })

async function administer(work: Parameters<typeof withAdmin<Made>>[2]): Promise<Made> {
  const { withAdmin } = await import('./cli/admin.ts')
  return withAdmin(loadConfig(process.env), createLogger('warn', 'cli'), work)
}

function parseEmail(text: string): string {
  if (isMailAddress(text)) return text
  throw new AppError('invalid_input', `${text} is not a mail address`)
}

function parseDays(text: string): number {
  const days = Number(text)
  // What is older than 35 days would be rejected as too late.
  if (/^\d+$/.test(text) && days <= 34) return days
  throw new AppError('invalid_input', `${text} is not a number of days from 0 to 34`)
}

function parseHash(text: string): string {
  if (/^[0-9a-f]{64}$/.test(text)) return text
  throw new AppError('invalid_input', `${text} is not a checkpoint: 64 digits from 0 to 9 and a to f`)
}

function parseTarget(text: string): number {
  if (/^\d{1,4}$/.test(text)) return Number(text)
  throw new AppError('invalid_input', `${text} is not the number of a migration`)
}

async function migrateState(step: 'status' | 'up' | 'down', target: number, { json = false }: JsonOption) {
  const { describeMigration, runMigration } = await import('./cli/migrate.ts')
  const result = await runMigration(loadConfig(process.env), step, target)
  print(json, result, describeMigration(result))
}

/**
 * A process of its own: a load generator must not share the event loop of what it measures. It finds the platform that runs
 * on DATA_DIR, unless it is told of another.
 */
function simulate(options: readonly string[]): Promise<void> {
  const entry = fileURLToPath(new URL('../firmware-sim/main.ts', import.meta.url))
  const running = findRunning(loadConfig(process.env).dataDir)
  const told = options.some((option) => /^--(url|mqtt)\b/.test(option))
  const place =
    running === undefined || told ? [] : ['--url', running.httpUrl, '--mqtt', `mqtt://127.0.0.1:${running.mqttPort}`]
  const env = running === undefined || told ? process.env : { PELBIOT_KEY: running.key, ...process.env }
  const child = spawn(process.execPath, [entry, ...place, ...options], { stdio: 'inherit', env })
  const forward = (signal: NodeJS.Signals) => void child.kill(signal)
  process.on('SIGINT', forward).on('SIGTERM', forward)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => {
      process.exitCode = code ?? exitCodes.failed
      resolve()
    })
  })
}

function complain(error: unknown): void {
  const lines = [error instanceof Error ? error.message : String(error)]
  if (error instanceof AppError) {
    lines.push(`  code: ${error.code} (docs/errors.md)`)
    if (error.cause instanceof Error) lines.push(`  because: ${error.cause.message}`)
    for (const { field, message } of error.fields) lines.push(`  ${field} ${message}`)
  } else if (error instanceof Error && error.stack !== undefined) lines.push(error.stack)
  process.stderr.write(`pelbiot: ${lines.join('\n')}\n`)
  process.exitCode = isAppError(error, 'invalid_input') ? exitCodes.misuse : exitCodes.failed
}

try {
  await program.parseAsync()
} catch (error) {
  // Commander has said what is wrong (or printed the help) already.
  if (error instanceof Error && 'exitCode' in error && error.name === 'CommanderError')
    process.exitCode = error.exitCode === 0 ? 0 : exitCodes.misuse
  else complain(error)
}
