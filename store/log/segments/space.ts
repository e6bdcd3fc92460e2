import { statfs } from 'node:fs/promises'

export interface SpaceConfig {
  readonly folder: string
  readonly maxBytes: number
  readonly reserveBytes: number
}

/** Bytes that the file system of `folder` still has for us. */
export type FreeDisk = (folder: string) => Promise<number>

export async function freeDisk(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}

/** Other stores use the same disk, so what was measured is believed for so long and so many bytes of our own. */
const sampleMs = 500
const sampleBytes = 16 * 1024 * 1024

export interface Space {
  /** Why a log of `logBytes` may not grow by `moreBytes`; undefined when it may. */
  refusal(logBytes: number, moreBytes: number): Promise<string | undefined>
}

export function createSpace(config: SpaceConfig, free: FreeDisk): Space {
  let sampledAtMs = Number.NEGATIVE_INFINITY
  let freeBytes = 0
  let grantedBytes = 0

  return {
    async refusal(logBytes, moreBytes) {
      if (logBytes + moreBytes > config.maxBytes) {
        return `${logBytes} bytes of log are kept and ${config.maxBytes} allowed`
      }
      // Elapsed time, not wall time: it must not follow a clock that is set.
      const nowMs = performance.now()
      if (nowMs - sampledAtMs > sampleMs || grantedBytes + moreBytes > sampleBytes) {
        freeBytes = await free(config.folder)
        sampledAtMs = nowMs
        grantedBytes = 0
      }
      const left = freeBytes - grantedBytes - config.reserveBytes
      if (left < moreBytes) {
        // Whoever asks again wants to know what has changed.
        sampledAtMs = Number.NEGATIVE_INFINITY
        return `the disk has ${freeBytes} bytes free and ${config.reserveBytes} are reserved`
      }
      grantedBytes += moreBytes
      return undefined
    },
  }
}
