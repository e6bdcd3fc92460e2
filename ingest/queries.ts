import { type DeviceId, quality } from '../model/index.ts'
import type { LogStats } from '../store/log/index.ts'
import type { Counters } from './counters.ts'
import type { DeviceMemory } from './memory/device-memory.ts'
import type { Memory } from './memory/memory.ts'
import { connectsLastHour } from './memory/presence.ts'
import { cell, cellsPerSeries } from './memory/series-cells.ts'
import type { IngestStats, LatestColumns, Presence } from './ports.ts'

/** So many connections in an hour are too many for a healthy one. */
const flappingFrom = 10

const neverSeen: Presence = {
  online: false,
  lastSeenMs: null,
  sessions: 0,
  connectsLastHour: 0,
  flapping: false,
  info: {},
}

export function presenceOf(memory: Memory, deviceId: DeviceId): Presence {
  const device = memory.devices.get(deviceId)
  if (device === undefined) return neverSeen
  const { lastSeenMs, sessions } = device.presence
  const connects = connectsLastHour(device.presence, memory.nowMs)
  return {
    online: isOnline(memory, device),
    lastSeenMs: Number.isNaN(lastSeenMs) ? null : lastSeenMs,
    sessions,
    connectsLastHour: connects,
    flapping: connects >= flappingFrom,
    info: device.info,
  }
}

/** It has a connection of its own, or its gateway speaks for it. */
export function isOnline(memory: Memory, device: DeviceMemory): boolean {
  return device.presence.sessions > 0 || isRelayed(memory, device)
}

/** A device without a connection is online while its gateway is connected, and has something to tell of it. */
function isRelayed(memory: Memory, { record, presence }: DeviceMemory): boolean {
  const gateway = record.gatewayId === null ? undefined : memory.devices.get(record.gatewayId)
  return presence.relayedOnline && gateway !== undefined && gateway.presence.sessions > 0
}

export function latestOf(memory: Memory, seriesIds: Int32Array): LatestColumns {
  const timesMs = new Float64Array(seriesIds.length).fill(Number.NaN)
  const values = new Float64Array(seriesIds.length).fill(Number.NaN)
  const qualities = new Uint8Array(seriesIds.length)
  seriesIds.forEach((seriesId, i) => {
    const device = memory.devicesBySeries.get(seriesId)
    const slot = device?.seriesIds.indexOf(seriesId) ?? -1
    if (device === undefined || slot < 0 || !Number.isFinite(device.lastTimeMs(slot))) return
    const at = slot * cellsPerSeries
    timesMs[i] = device.lastTimeMs(slot)
    values[i] = device.cells[at + cell.lastValue] ?? Number.NaN
    qualities[i] = device.cells[at + cell.lastQuality] ?? quality.good
  })
  return { timesMs, values, quality: qualities }
}

export interface Progress {
  readonly position: number
  readonly judgedPosition: number
  /** Received time of the newest frame decoded to be stored. */
  readonly gatheredMs: number
  readonly storeDown: boolean
  readonly nowMs: number
}

export function statsOf(counters: Counters, log: LogStats, progress: Progress): IngestStats {
  const { messages, readings, suspect, duplicates, redeliveries, gaps, notJudged } = counters
  const { rejected, rejectedUnlisted } = counters
  const { gatheredMs } = progress
  const lagBytes = Math.max(0, log.durable - progress.position)
  return {
    position: progress.position,
    lagBytes,
    lagMs: lagBytes === 0 || gatheredMs === 0 ? 0 : Math.max(0, progress.nowMs - gatheredMs),
    messages,
    readings,
    suspect,
    duplicates,
    redeliveries,
    gaps,
    notJudged,
    rejected: { ...rejected },
    rejectedUnlisted,
    judgedPosition: progress.judgedPosition,
    storeDown: progress.storeDown,
  }
}
