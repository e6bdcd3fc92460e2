import type { PlatformConfig } from './config.ts'

interface Config extends Pick<PlatformConfig, 'tls'> {
  readonly api: Pick<PlatformConfig['api'], 'host' | 'port' | 'trustedProxies'>
  readonly broker: Pick<PlatformConfig['broker'], 'host' | 'port' | 'wsPort'>
}

export interface PlainListeners {
  /** Settings that switch them off. */
  readonly settings: readonly string[]
  readonly advice: string
}

/**
 * Listeners that take passwords, tokens and keys in the clear from beyond this machine; undefined: there are none. HTTP counts
 * as the proxy's where there are trusted proxies.
 */
export function plainListeners({ api, broker, tls }: Config): PlainListeners | undefined {
  const open = [
    { setting: 'MQTT_PORT', host: broker.host, port: broker.port },
    { setting: 'MQTT_WS_PORT', host: broker.host, port: broker.wsPort },
    { setting: 'HTTP_PORT', host: api.host, port: api.trustedProxies.length > 0 ? undefined : api.port },
  ].filter(({ host, port }) => port !== undefined && !isLoopback(host))
  if (open.length === 0) return undefined
  const settings = open.map(({ setting }) => setting)
  const off = settings.map((setting) => `${setting}=off`).join(' ')
  const advice =
    tls === undefined
      ? 'set TLS_CERT_FILE and TLS_KEY_FILE, or HOST=127.0.0.1 behind a proxy that speaks TLS'
      : `set ${off}`
  return { settings, advice }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)
}
