import { expect, test } from 'vitest'
import type { z } from 'zod'
import { createPlatformView } from '../../firmware-sim/index.ts'

/** A platform that gives these answers about its status, one after the other. */
function viewOf(...answers: readonly unknown[]) {
  const left = [...answers]
  const api = {
    ask: () => Promise.reject(new Error('not asked')),
    read: async <T>(schema: z.ZodType<T>): Promise<T> => schema.parse(left.shift()),
    list: async function* () {},
  }
  return { view: createPlatformView(api, async () => {}), left }
}

test('the platform is caught up when ingest is where the end of the log was, and parts may be too busy to answer', async () => {
  const { view, left } = viewOf(
    { log: null, ingest: { position: 10 } },
    { log: { head: 20 }, ingest: null },
    { log: { head: 30 }, ingest: { position: 19 } },
    { log: null, ingest: { position: 20 } },
    { log: { head: 40 }, ingest: { position: 40 } },
  )
  await view.caughtUp()
  expect(left).toHaveLength(1)
})
