import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createRepeats } from '../../api/repeats.ts'
import type { RawRequest } from '../../api/request.ts'
import { defineRoute, type PrincipalContext } from '../../api/route.ts'
import type { KeptAnswer, NamedRequest } from '../../store/state/index.ts'

const request: RawRequest = {
  params: {},
  query: new URLSearchParams(),
  contentType: undefined,
  accept: undefined,
  readBody: async () => new Uint8Array(0),
}
const context: PrincipalContext = {
  requestId: 'r',
  address: null,
  secure: false,
  principal: { kind: 'key', id: 'k', role: 'admin', sites: 'all' },
  scopes: [],
  session: null,
  needsSecondFactor: false,
  stillAllowed: async () => true,
  cookie: null,
  userAgent: null,
}

/** A route that answers when it is let, and how often it ran. */
function setUp() {
  const kept = new Map<string, KeptAnswer>()
  const gate = Promise.withResolvers<void>()
  let runs = 0
  const route = defineRoute({
    method: 'post',
    path: '/x',
    tag: 'Platform',
    summary: 'Do it',
    policy: { role: 'admin', scope: 'sites:write', sites: 'every' },
    responses: { 200: { description: 'Done', schema: z.strictObject({ run: z.int() }) } },
    async handler() {
      runs++
      await gate.promise
      return { status: 200, body: { run: runs } }
    },
  })
  if (route.policy === 'public') throw new Error('it is not')
  const repeats = createRepeats({
    answers: {
      find: async ({ name }: NamedRequest) => kept.get(name),
      keepAnswer: async ({ name }: NamedRequest, answer: unknown) => void kept.set(name, { kind: 'answer', answer }),
      trim: async () => 0,
    },
    onMadeRoom: () => undefined,
    logger: pino({ level: 'silent' }),
  })
  return {
    gate,
    run: (key: string, who = context) => repeats.run({ route, request, context: who, key }),
    get runs() {
      return runs
    },
  }
}

describe('a request with an Idempotency-Key', () => {
  test('is refused while one of that key still runs, and gets its answer afterwards', async () => {
    const at = setUp()
    const first = at.run('a')
    await expect(at.run('a')).rejects.toMatchObject({ code: 'request_in_progress', headers: { 'retry-after': '1' } })
    at.gate.resolve()
    expect(await first).toMatchObject({ status: 200, body: { run: 1 } })
    expect(await at.run('a')).toEqual({ status: 200, headers: { 'idempotency-replayed': 'true' }, body: { run: 1 } })
    expect(at.runs).toBe(1)
  })

  test('is nothing to those of another key or of another principal', async () => {
    const at = setUp()
    at.gate.resolve()
    const other = { ...context, principal: { ...context.principal, id: 'other' } }
    await Promise.all([at.run('a'), at.run('b'), at.run('a', other)])
    expect(at.runs).toBe(3)
  })

  test('names itself the same with quotation marks and without', async () => {
    const at = setUp()
    at.gate.resolve()
    await at.run('"a b"').catch(() => undefined)
    await at.run('"c"')
    await at.run('c')
    expect(at.runs).toBe(2)
  })

  test.each(['', '""', 'a b', '"a', 'a"b', 'a\\b', 'ü', 'x'.repeat(256), '"a", "b"', 'a, b'])(
    'that is %j is refused',
    async (key) => {
      const at = setUp()
      await expect(at.run(key)).rejects.toMatchObject({
        code: 'malformed_request',
        fields: [{ field: 'Idempotency-Key' }],
      })
      expect(at.runs).toBe(0)
    },
  )
})
