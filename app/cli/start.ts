import { flushCompileCache } from 'node:module'
import { linkUrl } from '../../model/index.ts'
import packageJson from '../../package.json' with { type: 'json' }
import type { PlatformConfig } from '../config.ts'
import { createLogger } from '../logging.ts'
import type { Platform } from '../platform.ts'
import { startIngestThread } from '../platform-threads.ts'

/** A stop that takes longer is given up: the log has everything that was acknowledged. */
const stopTimeoutMs = 20_000

/** Runs until a signal; resolves when everything has been stopped. */
export async function start(config: PlatformConfig): Promise<void> {
  const logger = createLogger(config.logLevel, 'platform')
  // Even at LOG_LEVEL=silent: scripts wait for it.
  const announcer = createLogger('info', 'platform')

  const die = (error: Error) => {
    logger.fatal({ err: error }, 'platform failed')
    process.exit(1)
  }
  process.on('uncaughtException', die)
  const signal = new Promise<NodeJS.Signals>((resolve) => {
    process.once('SIGTERM', resolve)
    process.once('SIGINT', resolve)
  })

  // A start may wait, for room on the disk for instance; it can be given up at any point, as by a crash.
  const ingest = startIngestThread(die)
  const starting = import('../platform.ts').then(({ startPlatform }) =>
    startPlatform(config, { version: packageJson.version, logger, ingest, onFailure: die }),
  )
  const platform = await Promise.race([starting, signal])
  if (typeof platform === 'string') {
    logger.info({ signal: platform }, 'platform stopped before it was ready')
    process.exit(0)
  }
  const { mqttPort, mqttsPort, mqttWsPort, mqttWssPort, httpPort, httpsPort } = platform
  const ports = { mqttPort, mqttsPort, mqttWsPort, mqttWssPort, httpPort, httpsPort }
  announcer.info({ ...ports, pid: process.pid }, 'platform ready')
  // Without TLS it keeps its meaning: the terminal has gone.
  if (config.tls !== undefined) process.on('SIGHUP', () => void platform.reloadTls())
  process.stderr.write(welcome(platform, config))
  flushCompileCache()

  logger.info({ signal: await signal }, 'platform stopping')
  const timer = setTimeout(() => die(new Error(`stop took longer than ${stopTimeoutMs} ms`)), stopTimeoutMs)
  await platform.stop()
  clearTimeout(timer)
  logger.info('platform stopped')
  process.exit(0)
}

function welcome(platform: Platform, config: PlatformConfig): string {
  const { httpPort, httpsPort, mqttPort, mqttsPort, mqttWsPort, mqttWssPort, firstAdminKey } = platform
  const listeners = [
    ['HTTP', httpPort],
    ['HTTPS', httpsPort],
    ['MQTT', mqttPort],
    ['MQTT over TLS', mqttsPort],
    ['MQTT over WebSocket', mqttWsPort],
    ['MQTT over WebSocket and TLS', mqttWssPort],
  ].filter(([, port]) => port !== undefined)
  const key = firstAdminKey ?? '$KEY'
  const shown =
    firstAdminKey === undefined
      ? ''
      : `\n  Admin API key for a week, shown this once: ${firstAdminKey}\n  Lasting ones: npm run -s pelbiot -- key create NAME --role admin\n`
  const url = platform.httpUrl
  const base = config.api.publicUrl ?? url
  const setup =
    platform.setupToken === undefined
      ? ''
      : `\n  To become the first admin, within a day: ${linkUrl(base, platform.setupToken)}\n`
  const publish =
    mqttPort === undefined
      ? ''
      : `\n  # let it report (TOKEN is in the answer), and read it back
  mosquitto_pub -p ${mqttPort} -u meter-1 -P TOKEN -q 1 -t pel/v1/meter-1/telemetry -m '{"voltage":229.8,"power":1250}'
  curl ${url}/api/v1/devices/meter-1/latest -H "Authorization: Bearer ${key}"\n`
  return `
PELBIoT is up: ${listeners.map(([name, port]) => `${name} on ${port}`).join(', ')}; data in ${config.dataDir}
  ${url}/ shows what comes in, ${url}/docs explains the API
${setup}${shown}
  # register a meter
  curl ${url}/api/v1/devices -H "Authorization: Bearer ${key}" -H 'Content-Type: application/json' \\
    -d '{"id":"meter-1","profileId":"meter-1ph"}'
${publish}
`
}
