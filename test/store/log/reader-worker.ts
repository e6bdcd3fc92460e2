import { parentPort, workerData } from 'node:worker_threads'
import { FrameCursor } from '../../../model/index.ts'
import { openSegmentReader, type SegmentReaderConfig } from '../../../store/log/index.ts'

/** Reads `total` frames as they come, releases what it has read, and posts their topics. */
const { total, ...config }: SegmentReaderConfig & { readonly total: number } = workerData
const reader = openSegmentReader(config)
// A wait for the log alone lets the thread exit; a port with a listener keeps it.
parentPort?.on('message', () => {})

const topics: string[] = []
const cursor = new FrameCursor()
const never = new AbortController().signal
for (let position = 0; topics.length < total; ) {
  await reader.waitForMore(position, never)
  const slice = await reader.read(position, 16 * 1024)
  if (slice.end > reader.stats().durable) throw new Error(`read to ${slice.end}, beyond the durable end`)
  cursor.reset(slice.bytes)
  while (cursor.next()) topics.push(cursor.topic())
  position = slice.end
  reader.release('ingest', position)
}
await reader.close()
parentPort?.postMessage(topics)
parentPort?.close()
