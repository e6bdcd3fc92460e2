import { HttpProblem } from './problem.ts'

/** Messages that wait for the disk at once. */
export interface PushRoom {
  /** Rejects with a 503 problem, without having begun, when there is no room for so many bytes more. */
  run<T>(bytes: number, work: () => Promise<T>): Promise<T>
}

const mostMessages = 500
const mostBytes = 32 * 1024 * 1024

export function createPushRoom(): PushRoom {
  let messages = 0
  let bytesWaiting = 0

  return {
    async run(bytes, work) {
      if (messages >= mostMessages || bytesWaiting + bytes > mostBytes)
        throw new HttpProblem('store_unavailable', `${messages} pushes wait for the disk already`, {
          headers: { 'retry-after': '1' },
        })
      messages++
      bytesWaiting += bytes
      try {
        return await work()
      } finally {
        messages--
        bytesWaiting -= bytes
      }
    },
  }
}
