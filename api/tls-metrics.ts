import { X509Certificate } from 'node:crypto'
import { Gauge, type Registry } from 'prom-client'
import type { Clock } from '../model/index.ts'

/** Tells, at each scrape, how long the certificate in use is good for; call it with each new one. */
export function createTlsMetrics(registry: Registry, clock: Clock): (cert: string) => void {
  let goodUntilMs: number | undefined
  new Gauge({
    name: 'pelbiot_tls_certificate_expiry_seconds',
    help: 'Seconds until the certificate of HTTPS and MQTT over TLS expires; below 0: it has',
    registers: [registry],
    collect() {
      if (goodUntilMs !== undefined) this.set((goodUntilMs - clock.now()) / 1000)
    },
  })
  return (cert) => {
    goodUntilMs = new X509Certificate(cert).validToDate.getTime()
  }
}
