import * as fs from 'node:fs'
import { open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../../../model/index.ts'
import type { LogPosition } from '../message-log.ts'

/** One file of the log; its name is the position before its first byte. */
export interface Segment {
  readonly start: LogPosition
  readonly path: string
}

const namePattern = /^(\d{20})\.log$/

export function segmentAt(folder: string, start: LogPosition): Segment {
  return { start, path: join(folder, `${String(start).padStart(20, '0')}.log`) }
}

/** Oldest first. Files with other names are left alone. */
export async function listSegments(folder: string): Promise<Segment[]> {
  const starts: number[] = []
  for (const name of await readdir(folder)) {
    const digits = namePattern.exec(name)?.[1]
    if (digits !== undefined) starts.push(Number(digits))
  }
  return starts.sort((a, b) => a - b).map((start) => segmentAt(folder, start))
}

export async function fileBytes(path: string): Promise<number> {
  return (await stat(path)).size
}

/** Makes created and removed names survive a power cut. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

// Plain descriptors and callbacks: a FileHandle costs an object and two promises per call, and this runs per commit.

export function openFile(path: string, flags: string): Promise<number> {
  return settle((done) => fs.open(path, flags, 0o640, done))
}

export function closeFile(fd: number): Promise<void> {
  return settle((done) => fs.close(fd, done))
}

/** Fills `[0, bytes)` of `target` from the file's offset `from`; returns fewer only at the end of the file. */
export async function readAt(fd: number, target: Buffer, bytes: number, from: number): Promise<number> {
  let filled = 0
  while (filled < bytes) {
    const at = filled
    const count = await settle<number>((done) => fs.read(fd, target, at, bytes - at, from + at, done))
    if (count === 0) break
    filled += count
  }
  return filled
}

/** Writes all of `buffers` at the file's offset `at`; a short write is carried on until the system says why. */
export async function writeAllAt(fd: number, buffers: readonly Uint8Array[], at: number): Promise<void> {
  let left = buffers
  for (;;) {
    const rest = left
    const from = at
    const written = await settle<number>((done) => fs.writev(fd, [...rest], from, done))
    at += written
    left = behind(left, written)
    if (left.length === 0) return
    if (written === 0) throw new AppError('log_failed', 'write log segment: the system accepted no bytes')
  }
}

export function syncData(fd: number): Promise<void> {
  return settle((done) => fs.fdatasync(fd, done))
}

/** Cuts the file and makes the cut survive a power cut. */
export async function cutFile(fd: number, bytes: number): Promise<void> {
  await settle<void>((done) => fs.ftruncate(fd, bytes, done))
  await settle<void>((done) => fs.fsync(fd, done))
}

function behind(buffers: readonly Uint8Array[], written: number): readonly Uint8Array[] {
  let skip = written
  for (const [index, buffer] of buffers.entries()) {
    if (skip < buffer.length) return [buffer.subarray(skip), ...buffers.slice(index + 1)]
    skip -= buffer.length
  }
  return []
}

type Callback<T> = (error: NodeJS.ErrnoException | null, value: T) => void

function settle<T>(call: (done: Callback<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, value) => (error ? reject(error) : resolve(value)))
  })
}
