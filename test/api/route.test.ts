import { z } from '@hono/zod-openapi'
import { expect, test } from 'vitest'
import { defineRoute } from '../../api/route.ts'

const face = {
  method: 'get',
  path: '/x',
  tag: 'Platform',
  summary: 'Nothing',
  responses: { 200: { description: 'x', schema: z.strictObject({ n: z.number() }) }, 204: { description: 'none' } },
} as const
const policy = { role: 'viewer', scope: 'platform:read', sites: 'own' } as const

test('the compiler refuses a route without a policy, and an answer that it does not declare', () => {
  // @ts-expect-error no policy
  defineRoute({ ...face, handler: async () => ({ status: 204 }) })
  // @ts-expect-error no such role
  defineRoute({ ...face, policy: { ...policy, role: 'king' }, handler: async () => ({ status: 204 }) })
  // @ts-expect-error no such status
  defineRoute({ ...face, policy, handler: async () => ({ status: 201 }) })
  // @ts-expect-error not what the schema says
  defineRoute({ ...face, policy, handler: async () => ({ status: 200, body: { n: 'one' } }) })
  // @ts-expect-error this status has no body
  defineRoute({ ...face, policy, handler: async () => ({ status: 204, body: { n: 1 } }) })
  expect(defineRoute({ ...face, policy, handler: async () => ({ status: 200, body: { n: 1 } }) }).policy).toBe(policy)
})
