import { crc32 } from 'node:zlib'
import { frameHeaderBytes, frameKind } from '../../../model/index.ts'
import type { LogPosition } from '../message-log.ts'

/**
 * A commit is one seal frame and the frames it vouches for. Behind the frame header (model/frame.ts) the seal holds
 *
 *    24  u32  magic
 *    28  f64  position of the seal itself, so that bytes in a wrong place are never taken for good ones
 *    36  u32  bytes that follow the seal
 *    40  u32  CRC-32 of those bytes
 *    44  u32  CRC-32 of the seal up to here
 */
export const sealBytes = frameHeaderBytes + 24
export const sealMagic = 0x4c_45_50_a5

export interface CommitBody {
  readonly bytes: number
  readonly crc: number
  /** Received time of the first frame. */
  readonly receivedMs: number
}

export function writeSeal(target: Buffer, position: LogPosition, body: CommitBody): void {
  target.fill(0, 0, frameHeaderBytes)
  target.writeUInt32LE(sealBytes, 0)
  target[4] = frameKind.seal
  target.writeDoubleLE(body.receivedMs, 8)
  target.writeUInt32LE(sealMagic, 24)
  target.writeDoubleLE(position, 28)
  target.writeUInt32LE(body.bytes, 36)
  target.writeUInt32LE(body.crc, 40)
  target.writeUInt32LE(crc32(target.subarray(0, 44)), 44)
}

/** True when a seal written for `position` starts at `at`; needs `sealBytes` there. */
export function isSealOf(bytes: Buffer, at: number, position: LogPosition): boolean {
  return (
    bytes.readUInt32LE(at) === sealBytes &&
    bytes.readUInt32LE(at + 24) === sealMagic &&
    bytes.readDoubleLE(at + 28) === position &&
    bytes.readUInt32LE(at + 44) === crc32(bytes.subarray(at, at + 44))
  )
}

export function sealedBytes(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at + 36)
}

export type CommitCheck =
  | { readonly kind: 'whole'; readonly bytes: number }
  /** So many bytes are needed from the seal on to tell. */
  | { readonly kind: 'short'; readonly neededBytes: number }
  /** `seal`: there is none here; its length cannot be known. `body`: the checksum of the frames differs. */
  | { readonly kind: 'broken'; readonly part: 'seal' | 'body'; readonly bytes: number }

/** Judges the commit that should start at `at`, which is `position` in the log. */
export function checkCommit(bytes: Buffer, at: number, position: LogPosition): CommitCheck {
  const there = bytes.length - at
  if (there < sealBytes) return { kind: 'short', neededBytes: sealBytes }
  if (!isSealOf(bytes, at, position)) return { kind: 'broken', part: 'seal', bytes: 0 }
  const size = sealBytes + sealedBytes(bytes, at)
  if (there < size) return { kind: 'short', neededBytes: size }
  if (crc32(bytes.subarray(at + sealBytes, at + size)) !== bytes.readUInt32LE(at + 40)) {
    return { kind: 'broken', part: 'body', bytes: size }
  }
  return { kind: 'whole', bytes: size }
}
