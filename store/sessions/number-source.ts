import { decodeNumber, encodeNumber } from './records.ts'
import type { SessionStore } from './session-store.ts'

/** Numbers reserved at once; what is left of them is lost with a restart. */
const blockSize = 16_384
const maxNumber = 0xffff_ffff

/**
 * Hands out session numbers, 1 to 2^32 - 1 and round again. A block is on disk before its first number is used, so that
 * a number is not used twice across crashes, however they happen.
 */
export function createNumberSource(store: SessionStore, key: Uint8Array, isTaken: (number: number) => boolean) {
  let next = 0
  let reserved = 0
  let reserving: Promise<void> | undefined

  async function reserve(): Promise<void> {
    const end = reserved + blockSize
    store.write([{ key, value: encodeNumber(end) }])
    await store.flushed()
    reserved = end
  }

  function reserveOnce(): Promise<void> {
    reserving ??= reserve().finally(() => {
      reserving = undefined
    })
    return reserving
  }

  return {
    open() {
      next = decodeNumber(store.get(key))
      reserved = next
    },
    async take(): Promise<number> {
      for (;;) {
        while (next >= reserved) await reserveOnce()
        const number = (next++ % maxNumber) + 1
        if (!isTaken(number)) return number
      }
    },
  }
}
