import { MessageChannel } from 'node:worker_threads'
import { afterEach, expect, test } from 'vitest'
import { remote, serve } from '../../app/port-rpc.ts'
import { AppError } from '../../model/index.ts'

interface Example {
  double(n: number): Promise<number>
  columns(): Promise<{ timesMs: Float64Array }>
  fail(): Promise<never>
  crash(): Promise<never>
  untilAborted(signal: AbortSignal): Promise<string>
}
const methods = ['double', 'columns', 'fail', 'crash', 'untilAborted'] as const

const service: Example = {
  double: async (n) => n * 2,
  columns: async () => ({ timesMs: Float64Array.of(1, 2) }),
  fail: async () => {
    const told = { publicText: 'make failed', retryAfterMs: 7_000 }
    throw new AppError('conflict', 'make x failed', {
      retryable: true,
      fields: [{ field: 'id', message: 'taken' }],
      ...told,
    })
  },
  crash: async () => {
    throw new TypeError('boom')
  },
  untilAborted: (signal) =>
    new Promise((resolve) => signal.addEventListener('abort', () => resolve('aborted'), { once: true })),
}

const open: MessageChannel[] = []
function pair(maxInFlight = 10): { caller: Example; channel: MessageChannel } {
  const channel = new MessageChannel()
  open.push(channel)
  serve(channel.port1, service)
  return { caller: remote<Example>(channel.port2, methods, { maxInFlight }), channel }
}
afterEach(() => {
  for (const channel of open.splice(0)) channel.port1.close()
})

test('a call returns what the service returned, columns included', async () => {
  const { caller } = pair()
  expect(await Promise.all([caller.double(2), caller.double(3)])).toEqual([4, 6])
  expect((await caller.columns()).timesMs).toEqual(Float64Array.of(1, 2))
})

test('an AppError keeps its code, fields, what callers are told and when to try again; any other becomes internal', async () => {
  const { caller } = pair()
  await expect(caller.fail()).rejects.toMatchObject({
    code: 'conflict',
    message: 'make x failed',
    publicText: 'make failed',
    retryable: true,
    retryAfterMs: 7_000,
    fields: [{ field: 'id', message: 'taken' }],
  })
  await expect(caller.crash()).rejects.toMatchObject({ code: 'internal' })
})

test('an abort signal works across the port, before and during the call', async () => {
  const { caller } = pair()
  const abort = new AbortController()
  const answer = caller.untilAborted(abort.signal)
  abort.abort()
  expect(await answer).toBe('aborted')
  expect(await caller.untilAborted(AbortSignal.abort())).toBe('aborted')
})

test('calls beyond the bound are refused, and room comes back with the answers', async () => {
  const { caller } = pair(1)
  const first = caller.double(1)
  await expect(caller.double(2)).rejects.toMatchObject({ code: 'store_unavailable', retryable: true })
  await first
  expect(await caller.double(3)).toBe(6)
})

test('when the port closes, waiting and later calls reject with closed', async () => {
  const { caller, channel } = pair()
  const waiting = caller.untilAborted(new AbortController().signal)
  channel.port1.close()
  await expect(waiting).rejects.toMatchObject({ code: 'closed' })
  await expect(caller.double(1)).rejects.toMatchObject({ code: 'closed' })
})
