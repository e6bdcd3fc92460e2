import { Counter, Gauge, type Registry } from 'prom-client'
import type { Places } from './places.ts'

export interface LiveMetrics {
  /** A client took nothing for too long. */
  cut(): void
}

export function createLiveMetrics(registry: Registry, places: Pick<Places, 'taken'>): LiveMetrics {
  new Gauge({
    name: 'pelbiot_live_streams',
    help: 'Live streams that are open',
    registers: [registry],
    collect() {
      this.set(places.taken)
    },
  })
  const cut = new Counter({
    name: 'pelbiot_live_streams_cut_total',
    help: 'Live streams whose connection was closed because their client took nothing',
    registers: [registry],
  })
  return { cut: () => cut.inc() }
}
