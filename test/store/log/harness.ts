import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FrameCursor, FrameWriter, frameKind } from '../../../model/index.ts'
import {
  type LogPosition,
  type LogReader,
  openSegmentLog,
  type SegmentLog,
  type SegmentLogConfig,
  type SegmentLogDeps,
} from '../../../store/log/index.ts'

export const consumers = ['ingest', 'fanout'] as const
const kib = 1024

export interface TempFolder {
  readonly path: string
  remove(): Promise<void>
}

export async function tempFolder(): Promise<TempFolder> {
  const path = await mkdtemp(join(tmpdir(), 'pelbiot-log-'))
  return { path, remove: () => rm(path, { recursive: true, force: true }) }
}

export function openSmallLog(
  folder: string,
  config: Partial<SegmentLogConfig> = {},
  deps: SegmentLogDeps = {},
): Promise<SegmentLog> {
  const defaults = { maxBytes: 1024 * kib, segmentBytes: 16 * kib, reserveBytes: 0, consumers }
  return openSegmentLog({ folder, ...defaults, ...config }, deps)
}

/** A batch of message frames, one per topic; the bytes are its own. */
export function batchOf(topics: readonly string[], payloadBytes = 20, receivedMs = 1000): Uint8Array {
  const writer = new FrameWriter()
  const payload = new Uint8Array(payloadBytes).fill(0x41)
  for (const topic of topics) writer.append({ kind: frameKind.message, receivedMs, topic, payload })
  return Uint8Array.from(writer.view())
}

export interface SeenFrame {
  readonly topic: string
  readonly position: LogPosition
  readonly receivedMs: number
  readonly payloadBytes: number
}

/** Everything durable behind `from`, slice by slice. */
export async function readAll(log: LogReader, from: LogPosition, maxBytes = 4 * kib): Promise<SeenFrame[]> {
  const cursor = new FrameCursor()
  const seen: SeenFrame[] = []
  for (let position = from; ; ) {
    const slice = await log.read(position, maxBytes)
    if (slice.bytes.length === 0) return seen
    cursor.reset(slice.bytes)
    while (cursor.next()) {
      seen.push({
        topic: cursor.topic(),
        position: slice.start + cursor.end,
        receivedMs: cursor.receivedMs,
        payloadBytes: cursor.payload().length,
      })
    }
    position = slice.end
  }
}

export async function topicsOf(log: LogReader, from: LogPosition = 0): Promise<string[]> {
  return (await readAll(log, from)).map(({ topic }) => topic)
}

/** Waits on a condition; the test's own time limit is the bound. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2))
}
