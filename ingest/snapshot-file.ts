import { crc32 } from 'node:zlib'
import type { LogPosition } from '../store/log/index.ts'
import type { Remembered } from './remember.ts'

/**
 * A snapshot file, little endian: `PELMEM`, u16 version, f64 position, u32 length and u32 CRC-32 of what follows: f64
 * position of the evaluator (below 0: there was none), u32 length of its memory, its memory, ingest's own memory.
 * In version 1 ingest's own memory was all that followed; version 2 ends before the messages from clocks ahead.
 */
const magic = Buffer.from('PELMEM')
const headerBytes = 24
const evaluatorHeaderBytes = 12
/** Grows with every change of the file or of the memory in it; other versions than these are not read. */
const version = 3
const versionBeforeAheadMessages = 2
const versionBeforeEvaluators = 1

/** The file, in parts. */
export function sealSnapshot(position: LogPosition, { memory, evaluator }: Remembered): readonly Uint8Array[] {
  const evaluatorBytes = evaluator?.bytes ?? Buffer.alloc(0)
  const evaluatorHeader = Buffer.alloc(evaluatorHeaderBytes)
  evaluatorHeader.writeDoubleLE(evaluator?.position ?? -1, 0)
  evaluatorHeader.writeUInt32LE(evaluatorBytes.length, 8)
  const parts = [evaluatorHeader, evaluatorBytes, memory]

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

/** What is in it; undefined: not whole, not of this position, or of an unknown version. */
export function openSnapshot(file: Uint8Array, position: LogPosition): Remembered | undefined {
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
  return fileVersion === version || fileVersion === versionBeforeAheadMessages ? split(rest) : undefined
}

function split(rest: Buffer): Remembered {
  const position = rest.readDoubleLE(0)
  const memoryStart = evaluatorHeaderBytes + rest.readUInt32LE(8)
  const memory = rest.subarray(memoryStart)
  const bytes = rest.subarray(evaluatorHeaderBytes, memoryStart)
  return { memory, evaluator: position < 0 ? undefined : { position, bytes } }
}
