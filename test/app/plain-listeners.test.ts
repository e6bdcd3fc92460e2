import { expect, test } from 'vitest'
import { plainListeners } from '../../app/plain-listeners.ts'

const files = { certFile: 'cert.pem', keyFile: 'key.pem' }

function listeners(host: string, { http = 8080, mqtt = 1883, ws = 8083, proxies = [] as string[], tls = false } = {}) {
  return plainListeners({
    api: { host, port: http || undefined, trustedProxies: proxies },
    broker: { host, port: mqtt || undefined, wsPort: ws || undefined },
    tls: tls ? files : undefined,
  })
}

test('what takes secrets in the clear from beyond the machine is named, with what to do', () => {
  expect(listeners('0.0.0.0')).toEqual({
    settings: ['MQTT_PORT', 'MQTT_WS_PORT', 'HTTP_PORT'],
    advice: 'set TLS_CERT_FILE and TLS_KEY_FILE, or HOST=127.0.0.1 behind a proxy that speaks TLS',
  })
  expect(listeners('10.0.0.7', { tls: true, mqtt: 0 })?.advice).toBe('set MQTT_WS_PORT=off HTTP_PORT=off')
  expect(listeners('::', { tls: true, ws: 0, proxies: ['10.0.0.1'] })?.settings).toEqual(['MQTT_PORT'])
})

test.each(['127.0.0.1', '127.1.2.3', '::1', 'localhost'])('%s is this machine', (host) => {
  expect(listeners(host)).toBeUndefined()
})

test('with all plain listeners off there is nothing to say', () => {
  expect(listeners('0.0.0.0', { tls: true, http: 0, mqtt: 0, ws: 0 })).toBeUndefined()
})
