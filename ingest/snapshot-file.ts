import { crc32 } from 'node:zlib'
import type { LogPosition } from '../store/log/index.ts'
import type { Remembered } from './remember.ts'

/**
 * A snapshot file, little endian: `PELMEM`, u16 version, f64 position, u32 length and u32 CRC-32 of what follows: f64
 * position of the evaluator (below 0: there was none), u32 length of its memory, its memory, u32 length of the log's id,
 * its id, ingest's own memory. In version 1 ingest's own memory was all that followed; version 2 has no id.
 */
const magic = Buffer.from('PELMEM')
const headerBytes = 24
const evaluatorHeaderBytes = 12
/** Grows with every change of the file or of the memory in it; other versions than these are not read. */
const version = 3
const versionBeforeIds = 2
const versionBeforeEvaluators = 1

/** What a snapshot is of. */
export interface SnapshotPlace {
  readonly logId: string
  readonly position: LogPosition
}

/** The file, in parts. */
export function sealSnapshot(
  { logId, position }: SnapshotPlace,
  { memory, evaluator }: Remembered,
): readonly Uint8Array[] {
  const evaluatorBytes = evaluator?.bytes ?? Buffer.alloc(0)
  const evaluatorHeader = Buffer.alloc(evaluatorHeaderBytes)
  evaluatorHeader.writeDoubleLE(evaluator?.position ?? -1, 0)
  evaluatorHeader.writeUInt32LE(evaluatorBytes.length, 8)
  const id = Buffer.from(logId)
  const idBytes = Buffer.alloc(4)
  idBytes.writeUInt32LE(id.length)
  const parts = [evaluatorHeader, evaluatorBytes, idBytes, id, memory]

  const header = Buffer.alloc(headerBytes)
  magic.copy(header)
  header.writeUInt16LE(version, 6)
  header.writeDoubleLE(position, 8)
  header.writeUInt32LE(
    parts.reduce((sum, part) => sum + part.length, 0),
    16,
  )
  header.writeUInt32LE(
    parts.reduce((sum, part) => crc32(part, sum), 0),
    20,
  )
  return [header, ...parts]
}

/** What is in it; undefined: not whole, not of this log and position, or of an unknown version. */
export function openSnapshot(file: Uint8Array, { logId, position }: SnapshotPlace): Remembered | undefined {
  if (file.length < headerBytes) return undefined
  const header = Buffer.from(file.buffer, file.byteOffset, headerBytes)
  const rest = Buffer.from(file.buffer, file.byteOffset + headerBytes, file.length - headerBytes)
  const sound =
    header.subarray(0, magic.length).equals(magic) &&
    header.readDoubleLE(8) === position &&
    header.readUInt32LE(16) === rest.length &&
    header.readUInt32LE(20) === crc32(rest)
  if (!sound) return undefined
  const fileVersion = header.readUInt16LE(6)
  if (fileVersion === versionBeforeEvaluators) return { memory: rest, evaluator: undefined }
  if (fileVersion === versionBeforeIds) return split(rest)
  if (fileVersion !== version) return undefined
  const remembered = split(rest)
  const idEnd = 4 + remembered.memory.readUInt32LE()
  const ofThisLog = remembered.memory.toString('utf8', 4, idEnd) === logId
  return ofThisLog ? { ...remembered, memory: remembered.memory.subarray(idEnd) } : undefined
}

function split(rest: Buffer): Remembered & { readonly memory: Buffer } {
  const position = rest.readDoubleLE(0)
  const memoryStart = evaluatorHeaderBytes + rest.readUInt32LE(8)
  const memory = rest.subarray(memoryStart)
  const bytes = rest.subarray(evaluatorHeaderBytes, memoryStart)
  return { memory, evaluator: position < 0 ? undefined : { position, bytes } }
}
