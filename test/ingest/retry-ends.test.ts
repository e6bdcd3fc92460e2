import { pino } from 'pino'
import { expect, test } from 'vitest'
import { createRetry } from '../../ingest/retry.ts'
import { AppError } from '../../model/index.ts'

test('what failed for now and then for good is no longer being tried again', async () => {
  const retry = createRetry(pino({ level: 'silent' }), new AbortController().signal)
  const failures = [
    new AppError('store_unavailable', 'shard not found', { retryable: true }),
    new AppError('store_emptied', 'nothing is there any more'),
  ]
  const run = retry.run('store readings', async () => {
    throw failures.shift()
  })
  await expect(run).rejects.toMatchObject({ code: 'store_emptied' })
  expect(retry.failing).toBe(false)
})
