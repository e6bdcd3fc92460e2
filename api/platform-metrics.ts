import { Counter, Gauge, type Registry } from 'prom-client'
import { ifAnswered } from './deadline.ts'
import type { ApiPeers } from './ports.ts'

/** Brings what the other parts count into the registry; called before it is printed. */
export type PlatformMetrics = () => Promise<void>

export function createPlatformMetrics(registry: Registry, peers: ApiPeers, peerTimeoutMs: number): PlatformMetrics {
  const registers = [registry]
  const gauge = (name: string, help: string): Gauge => new Gauge({ name: `pelbiot_${name}`, help, registers })
  const counter = (name: string, help: string): Counter =>
    new Counter({ name: `pelbiot_${name}_total`, help, registers })
  const up = new Gauge({
    name: 'pelbiot_part_up',
    help: '1 when that part of the platform answered this scrape; else its other metrics are of an earlier one',
    labelNames: ['part'] as const,
    registers,
  })

  const log = {
    bytes: gauge('log_bytes', 'Size of the log on disk'),
    maxBytes: gauge('log_max_bytes', 'Size at which the log takes no more'),
    full: gauge('log_full', '1 while the log has no room and nothing is acknowledged'),
    head: gauge('log_head_bytes', 'Position after the newest frame'),
    durable: gauge('log_durable_bytes', 'Position up to which frames are on disk'),
    commits: counter('log_commits', 'Commits of the log'),
    lag: new Gauge({
      name: 'pelbiot_log_consumer_lag_bytes',
      help: 'Durable log that the consumer has not read',
      labelNames: ['consumer'] as const,
      registers,
    }),
  }
  const ingest = {
    messages: counter('ingest_messages', 'Messages read from the log'),
    readings: counter('ingest_readings', 'Readings taken from them'),
    suspect: counter('ingest_suspect_readings', 'Readings marked suspect'),
    duplicates: counter('ingest_duplicate_readings', 'Readings that came again'),
    redeliveries: counter('ingest_redeliveries', 'Messages without a time that were recognised as redelivered'),
    gaps: counter('ingest_gaps', 'Silences of a series of more than three of its intervals'),
    lag: gauge('ingest_lag_bytes', 'Durable log that is not stored yet'),
    storeDown: gauge('ingest_store_down', '1 while the store refuses writes and they are tried again'),
    unlisted: counter('ingest_rejected_unlisted', 'Rejected messages beyond what is listed of one device'),
    rejected: new Counter({
      name: 'pelbiot_ingest_rejected_total',
      help: 'Messages that could not be used',
      labelNames: ['reason'] as const,
      registers,
    }),
  }
  const readings = {
    values: gauge('store_readings', 'Readings in the store'),
    rows: gauge('store_rows', 'Rows in the store'),
    bytes: gauge('store_bytes', 'Size of the store on disk'),
    lateRows: gauge('store_late_rows', 'Rows that came late'),
  }
  const broker = {
    connections: gauge('mqtt_connections_open', 'MQTT connections open'),
    connectionsTotal: counter('mqtt_connections', 'MQTT connections made'),
    violations: counter('mqtt_violations', 'Connections closed for bytes that MQTT forbids'),
    undelivered: counter('mqtt_dropped_deliveries', 'QoS 0 messages not delivered to subscribers too far behind'),
    receivedBytes: counter('mqtt_received_bytes', 'Bytes received over MQTT'),
    acked: counter('mqtt_acked', 'QoS 1 and 2 messages acknowledged'),
    dropped: counter('mqtt_dropped_qos0', 'QoS 0 messages dropped because the log had no room'),
    refused: counter('mqtt_refused', 'Messages refused before they were acknowledged'),
    failedLogins: counter('mqtt_failed_logins', 'MQTT connects with wrong or missing credentials'),
    throttledLogins: counter('mqtt_throttled_logins', 'MQTT connects not looked at after too many wrong passwords'),
    paced: counter('mqtt_paced_seconds', 'Time in which publishers were read no faster than ingest goes on'),
  }

  return async () => {
    const [logStats, ingestStats, storeStats, brokerStats] = await Promise.all([
      ifAnswered('the log', peerTimeoutMs, peers.log.stats()),
      ifAnswered('ingest', peerTimeoutMs, peers.ingest.stats()),
      ifAnswered('the store of readings', peerTimeoutMs, peers.readings.stats()),
      ifAnswered('the broker', peerTimeoutMs, peers.broker.status()),
    ])
    up.set({ part: 'log' }, logStats ? 1 : 0)
    up.set({ part: 'ingest' }, ingestStats ? 1 : 0)
    up.set({ part: 'readings' }, storeStats ? 1 : 0)
    up.set({ part: 'broker' }, brokerStats ? 1 : 0)
    if (logStats) {
      log.bytes.set(logStats.bytes)
      log.maxBytes.set(logStats.maxBytes)
      log.full.set(logStats.full ? 1 : 0)
      log.head.set(logStats.head)
      log.durable.set(logStats.durable)
      setCounter(log.commits, logStats.commits)
      for (const { name, lag } of logStats.consumers) log.lag.set({ consumer: name }, lag)
    }
    if (ingestStats) {
      setCounter(ingest.messages, ingestStats.messages)
      setCounter(ingest.readings, ingestStats.readings)
      setCounter(ingest.suspect, ingestStats.suspect)
      setCounter(ingest.duplicates, ingestStats.duplicates)
      setCounter(ingest.redeliveries, ingestStats.redeliveries)
      setCounter(ingest.unlisted, ingestStats.rejectedUnlisted)
      setCounter(ingest.gaps, ingestStats.gaps)
      ingest.lag.set(ingestStats.lagBytes)
      ingest.storeDown.set(ingestStats.storeDown ? 1 : 0)
      ingest.rejected.reset()
      for (const [reason, count] of Object.entries(ingestStats.rejected)) ingest.rejected.inc({ reason }, count)
    }
    if (storeStats) {
      readings.values.set(storeStats.readings ?? Number.NaN)
      readings.rows.set(storeStats.rows ?? Number.NaN)
      readings.bytes.set(storeStats.bytes ?? Number.NaN)
      readings.lateRows.set(storeStats.lateRows)
    }
    if (brokerStats) {
      broker.connections.set(brokerStats.connections)
      setCounter(broker.connectionsTotal, brokerStats.connectionsTotal)
      setCounter(broker.violations, brokerStats.violationsTotal)
      setCounter(broker.undelivered, brokerStats.droppedDeliveriesTotal)
      setCounter(broker.receivedBytes, brokerStats.receivedBytesTotal)
      setCounter(broker.acked, brokerStats.ackedTotal)
      setCounter(broker.dropped, brokerStats.droppedQos0Total)
      setCounter(broker.refused, brokerStats.refusedTotal)
      setCounter(broker.failedLogins, brokerStats.failedLoginsTotal)
      setCounter(broker.throttledLogins, brokerStats.throttledLoginsTotal)
      setCounter(broker.paced, brokerStats.pacedMsTotal / 1000)
    }
  }
}

/** The part itself counts, from the start of the process; here its sum is only carried over. */
function setCounter(counter: Counter, value: number): void {
  counter.reset()
  counter.inc(value)
}
