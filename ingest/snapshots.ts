import { crc32 } from 'node:zlib'
import type { Logger } from 'pino'
import { AppError } from '../model/index.ts'
import type { LogPosition } from '../store/log/index.ts'
import { memoryVersion } from './memory/codec.ts'
import type { SnapshotFiles } from './snapshot-folder.ts'

/**
 * A snapshot file: `PELMEM`, u16 version, f64 position, u32 length and u32 CRC-32 of what follows (little endian), then
 * the memory.
 */
const magic = Buffer.from('PELMEM')
const headerBytes = 24
/** So that one spoilt file is not the end of it. */
const kept = 2

export interface Snapshot {
  readonly position: LogPosition
  readonly memory: Uint8Array
}

export interface Snapshots {
  /** The newest one that is whole and not beyond `limit`; what is not is removed, so that those kept are of use. */
  load(limit: LogPosition): Promise<Snapshot | undefined>
  /** Resolves once it is durable, with the position that nothing before is needed of any more, or undefined: all is. */
  save(snapshot: Snapshot): Promise<LogPosition | undefined>
}

export function createSnapshots(files: SnapshotFiles, logger: Logger): Snapshots {
  /** The oldest one kept, when a whole set is there. */
  async function removeOld(): Promise<LogPosition | undefined> {
    const positions = (await files.list()).map(({ position }) => position)
    for (const position of positions.slice(kept)) await files.remove(position)
    return positions[kept - 1]
  }

  return {
    async load(limit) {
      for (const { position } of await files.list()) {
        if (position <= limit) {
          const memory = open(await files.read(position), position)
          if (memory !== undefined) return { position, memory }
        }
        logger.warn({ position, limit }, 'ingest snapshot is of no use and removed')
        await files.remove(position)
      }
      return undefined
    },

    async save({ position, memory }) {
      await files.write(position, [seal(position, memory), memory])
      return removeOld()
    },
  }
}

function seal(position: LogPosition, memory: Uint8Array): Buffer {
  const header = Buffer.alloc(headerBytes)
  magic.copy(header)
  header.writeUInt16LE(memoryVersion, 6)
  header.writeDoubleLE(position, 8)
  header.writeUInt32LE(memory.length, 16)
  header.writeUInt32LE(crc32(memory), 20)
  return header
}

/** The memory in it; undefined: not whole, or of another version. */
function open(file: Uint8Array, position: LogPosition): Uint8Array | undefined {
  if (file.length < headerBytes) return undefined
  const header = Buffer.from(file.buffer, file.byteOffset, headerBytes)
  const memory = file.subarray(headerBytes)
  const sound =
    header.subarray(0, magic.length).equals(magic) &&
    header.readUInt16LE(6) === memoryVersion &&
    header.readDoubleLE(8) === position &&
    header.readUInt32LE(16) === memory.length &&
    header.readUInt32LE(20) === crc32(memory)
  return sound ? memory : undefined
}

/** Where to begin without a snapshot: at the log's beginning, if it is still there. */
export function beginningOf(tail: LogPosition): LogPosition {
  if (tail === 0) return 0
  throw new AppError(
    'store_failed',
    `restore the memory of ingest failed: the log begins at ${tail} and no snapshot behind the stores is whole`,
  )
}
