import { execFileSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { atProcessEnd } from './at-process-end.ts'
import { makeTempFolder } from './temp-folder.ts'

const mib = 1024 * 1024
/** A shared-memory file system that is larger than this takes too long to fill. */
const largestShared = 2_048 * mib

/** A real file system of a few megabytes that can be filled up. */
export interface SmallDisk extends Disposable {
  readonly path: string
  /** Writes until nothing more fits, not a byte. */
  fill(): void
  /** Gives back what `fill` took. */
  makeRoom(): void
}

type Kind = 'mount' | 'shared memory'

/** How such a file system can be had here: a mount of our own, or where that is forbidden, a container's /dev/shm. */
export function smallDiskKind(): Kind | undefined {
  using folder = makeTempFolder('mount')
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder.path], { stdio: 'ignore' })
    execFileSync('umount', [folder.path], { stdio: 'ignore' })
    return 'mount'
  } catch {
    return sharedMemoryBytes() <= largestShared ? 'shared memory' : undefined
  }
}

export function openSmallDisk(kind: Kind, sizeMb: number): SmallDisk {
  return kind === 'mount' ? mountDisk(sizeMb) : sharedDisk()
}

function mountDisk(sizeMb: number): SmallDisk {
  const folder = makeTempFolder('disk')
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMb}m`, 'tmpfs', folder.path])
  // Lazily: whoever still has a file open there must not keep the folder.
  const unmount = () => execFileSync('umount', ['-l', folder.path])
  const callOff = atProcessEnd(unmount)
  return diskIn(folder.path, () => {
    callOff()
    unmount()
    folder.remove()
  })
}

function sharedDisk(): SmallDisk {
  const path = join('/dev/shm', `pelbiot-${process.pid}`)
  mkdirSync(path)
  const remove = () => rmSync(path, { recursive: true, force: true })
  const callOff = atProcessEnd(remove)
  return diskIn(path, () => {
    callOff()
    remove()
  })
}

function diskIn(path: string, dispose: () => void): SmallDisk {
  const filler = join(path, 'filler')
  return {
    path,
    fill() {
      const file = openSync(filler, 'a')
      try {
        for (let chunk = Buffer.alloc(mib); chunk.length > 0; chunk = chunk.subarray(0, chunk.length >> 1)) {
          while (fits(file, chunk));
        }
      } finally {
        closeSync(file)
      }
    },
    makeRoom: () => rmSync(filler, { force: true }),
    [Symbol.dispose]: dispose,
  }
}

function fits(file: number, chunk: Buffer): boolean {
  try {
    return writeSync(file, chunk) > 0
  } catch {
    return false
  }
}

function sharedMemoryBytes(): number {
  try {
    const { blocks, bsize } = statfsSync('/dev/shm')
    return blocks * bsize
  } catch {
    return Number.POSITIVE_INFINITY
  }
}
