import type { LogPosition } from '../message-log.ts'
import { readAt } from './files.ts'
import { checkCommit, isSealOf, sealBytes, sealMagic } from './seal.ts'

/** An open segment file and the position of its first byte. */
export interface OpenSegment {
  readonly fd: number
  readonly start: LogPosition
}

export type CommitsEnd =
  /** As many bytes as were wanted; there may be more. */
  | { readonly kind: 'more' }
  /** The limit or the end of the file; so many bytes are missing of the commit there, 0 when none has begun. */
  | { readonly kind: 'end'; readonly missingBytes: number }
  /** No seal, or a body that differs from its seal; `bytes` of the commit, as far as its seal can be believed. */
  | { readonly kind: 'broken'; readonly part: 'seal' | 'body'; readonly bytes: number }

/**
 * A window over one segment: whole commits, their checksums verified, read in few large reads into one buffer that is
 * used again for the next window.
 */
export interface CommitWindow {
  readonly start: LogPosition
  readonly end: LogPosition
  /** Start of the last commit in the window; equals `end` when there is none. */
  readonly lastCommit: LogPosition
  bytes(): Buffer
  /**
   * Moves to `from`, where a commit must begin, and takes in whole commits up to about `wantedBytes` and never beyond
   * `limit`; a larger commit comes whole. The answer says why the window ends where it does.
   */
  load(segment: OpenSegment, from: LogPosition, limit: LogPosition, wantedBytes: number): Promise<CommitsEnd>
  clear(): void
}

/** A buffer beyond this is given back after a giant commit. */
const keptBytes = 4 * 1024 * 1024

export function createCommitWindow(): CommitWindow {
  let buffer = Buffer.alloc(0)
  let start = 0
  let length = 0
  let last = 0

  const reserve = (bytes: number): void => {
    if (buffer.length >= bytes && (buffer.length <= keptBytes || bytes > keptBytes)) return
    buffer = Buffer.allocUnsafeSlow(Math.max(bytes, Math.min(buffer.length * 2, keptBytes)))
  }

  return {
    get start() {
      return start
    },
    get end() {
      return start + length
    },
    get lastCommit() {
      return start + last
    },
    bytes: () => buffer.subarray(0, length),
    clear() {
      length = 0
      last = 0
    },
    async load(segment, from, limit, wantedBytes) {
      start = from
      length = 0
      last = 0
      let wanted = Math.max(sealBytes, wantedBytes)
      for (;;) {
        const asked = Math.min(wanted, limit - from)
        reserve(asked)
        const got = await readAt(segment.fd, buffer, asked, from - segment.start)
        const bytes = buffer.subarray(0, got)
        for (;;) {
          const check = checkCommit(bytes, length, from + length)
          if (check.kind === 'whole') {
            last = length
            length += check.bytes
            continue
          }
          if (check.kind === 'broken') return check
          if (got < asked || asked === limit - from) {
            const left = got - length
            return { kind: 'end', missingBytes: left === 0 ? 0 : check.neededBytes - left }
          }
          if (length > 0) return { kind: 'more' }
          wanted = check.neededBytes
          break
        }
      }
    },
  }
}

/** Where in `[from, end)` the next seal lies that is in its right place; undefined when there is none. */
export async function findSeal(
  segment: OpenSegment,
  from: LogPosition,
  end: LogPosition,
): Promise<LogPosition | undefined> {
  const magic = Buffer.alloc(4)
  magic.writeUInt32LE(sealMagic)
  const chunk = Buffer.allocUnsafeSlow(1024 * 1024)
  for (let at = from; at < end; ) {
    const asked = Math.min(chunk.length, end - at)
    const got = await readAt(segment.fd, chunk, asked, at - segment.start)
    const bytes = chunk.subarray(0, got)
    for (let found = bytes.indexOf(magic); found >= 0; found = bytes.indexOf(magic, found + 1)) {
      const seal = found - 24
      if (seal >= 0 && seal + sealBytes <= got && isSealOf(bytes, seal, at + seal)) return at + seal
    }
    if (got < asked || at + got >= end) break
    // A seal may lie across two chunks.
    at += got - sealBytes
  }
  return undefined
}
