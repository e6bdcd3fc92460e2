import { z } from 'zod'
import { AppError, ByteReader, ByteWriter } from '../../model/index.ts'
import type { DeviceMemory } from './device-memory.ts'
import type { Memory } from './memory.ts'
import type { RecentNumbers } from './recent-numbers.ts'
import { deviceRecordSchema, profileRecordSchema } from './record-schemas.ts'
import { cellsPerSeries } from './series-cells.ts'

/** What a snapshot needs to hand out ids and rules to the metrics it brings back. */
export interface MemoryPeers {
  readonly addMetric: (device: DeviceMemory, name: string) => void
}

const infoSchema = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]))

/** A change of it is a new version of the snapshot file. `expectedBytes`: about how large it will be, so that it need not be moved as it grows. */
export function encodeMemory(memory: Memory, expectedBytes = 0): Uint8Array {
  const out = new ByteWriter(Math.max(64 * 1024, expectedBytes))
  out.f64(memory.nowMs)
  out.f64(memory.nobody.rejectedSecond)
  out.u32(memory.nobody.rejectedInSecond)

  out.u32(memory.profiles.size)
  for (const profile of memory.profiles.values()) out.run(profile.bytes)

  out.u32(memory.devices.size)
  for (const device of memory.devices.values()) encodeDevice(out, device)

  const sessions = [...memory.redeliveries.sessions()]
  out.u32(sessions.length)
  for (const [origin, { session, lastMs, packetIds, hashes, next, count }] of sessions) {
    out.text(origin)
    out.u32(session)
    out.f64(lastMs)
    out.columns(packetIds, packetIds.length)
    out.columns(hashes, hashes.length)
    out.u32(next)
    out.u32(count)
  }

  out.u32(memory.highestDevice)
  for (const device of memory.devices.values()) encodeNumbers(out, device.aheadMessages)
  return out.view()
}

function encodeDevice(out: ByteWriter, device: DeviceMemory): void {
  out.run(device.recordBytes)
  out.u32(device.metrics.length)
  for (const name of device.metrics) out.text(name)
  out.columns(device.cells, device.metrics.length * cellsPerSeries)
  out.f64(device.untimedMs)
  encodeNumbers(out, device.aheadTimes)
  out.f64(device.presence.lastSeenMs)
  out.u32(device.presence.sessions)
  out.u32(device.presence.relayedOnline ? 1 : 0)
  out.columns(Float64Array.from(device.presence.connects), device.presence.connects.length)
  out.text(JSON.stringify(device.info))
  out.f64(device.rejectedSecond)
  out.u32(device.rejectedInSecond)
}

function encodeNumbers(out: ByteWriter, numbers: RecentNumbers): void {
  out.u32(numbers.size)
  for (const [number, timeMs] of numbers.entries()) {
    out.f64(number)
    out.f64(timeMs)
  }
}

/** Fills an empty memory. Throws on bytes that `encodeMemory` did not write. */
export function decodeMemory(bytes: Uint8Array, memory: Memory, peers: MemoryPeers): void {
  const from = new ByteReader(bytes)
  memory.nowMs = from.f64()
  memory.nobody.rejectedSecond = from.f64()
  memory.nobody.rejectedInSecond = from.u32()

  for (let left = from.u32(); left > 0; left--) {
    const record = from.run()
    memory.setProfile(profileRecordSchema.parse(JSON.parse(record.toString())), record)
  }
  for (let left = from.u32(); left > 0; left--) decodeDevice(from, memory, peers)
  for (let left = from.u32(); left > 0; left--) {
    const origin = from.text()
    const session = {
      session: from.u32(),
      lastMs: from.f64(),
      packetIds: from.uint16s(),
      hashes: from.float64s(),
      next: from.u32(),
      count: from.u32(),
    }
    memory.redeliveries.restore(origin, session)
  }
  // Before version 3 of the file it ended here.
  if (!from.done) {
    memory.highestDevice = from.u32()
    for (const device of memory.devices.values()) decodeNumbers(from, device.aheadMessages)
  }
  if (!from.done) throw new AppError('store_failed', 'read the snapshot of ingest failed: it has more than it should')
}

function decodeDevice(from: ByteReader, memory: Memory, peers: MemoryPeers): void {
  const bytes = from.run()
  const device = memory.setDevice(deviceRecordSchema.parse(JSON.parse(bytes.toString())), bytes)
  for (let left = from.u32(); left > 0; left--) peers.addMetric(device, from.text())
  device.cells.set(from.float64s())
  device.untimedMs = from.f64()
  decodeNumbers(from, device.aheadTimes)
  device.presence.lastSeenMs = from.f64()
  device.presence.sessions = from.u32()
  device.presence.relayedOnline = from.u32() === 1
  device.presence.connects = [...from.float64s()]
  device.info = infoSchema.parse(JSON.parse(from.text()))
  device.rejectedSecond = from.f64()
  device.rejectedInSecond = from.u32()
}

function decodeNumbers(from: ByteReader, numbers: RecentNumbers): void {
  for (let left = from.u32(); left > 0; left--) numbers.add(from.f64(), from.f64())
}
