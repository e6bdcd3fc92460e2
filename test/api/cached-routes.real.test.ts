import { StatementSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { ApiPeers } from '../../api/index.ts'
import type { Route } from '../../api/route.ts'
import { createRoutes } from '../../api/routes.ts'
import { roles, type SiteScope } from '../../model/index.ts'
import { kindOfTable } from '../../store/state/data-kinds.ts'
import { createWorld, type Ids, siteOf } from './access/world.ts'
import { type Harness, startApi } from './harness.ts'
import { routeDepsOf } from './route-deps.ts'

let api: Harness
let ids: Ids
let routes: readonly Route[]
beforeAll(async () => {
  api = await startApi()
  ids = await (await createWorld(api)).furnishWhole('here')
  routes = createRoutes({ ...routeDepsOf(api), peers: noPeers })
})
afterAll(() => api.stop())

/** Whoever asks another part of the platform has no answer that could be kept. */
const noPeers = new Proxy(
  {},
  {
    get: (_, part) =>
      new Proxy(
        {},
        {
          get: (_, method) => () => {
            throw new Error(`it asks ${String(part)} for ${String(method)}`)
          },
        },
      ),
  },
) as ApiPeers

/** The tables that are read meanwhile, by whomever. */
async function tablesReadBy(work: () => Promise<unknown>): Promise<Set<string>> {
  const tables = new Set<string>()
  const { all } = StatementSync.prototype
  const spy = vi.spyOn(StatementSync.prototype, 'all').mockImplementation(function (this: StatementSync, ...given) {
    for (const [, table = ''] of this.sourceSQL.matchAll(/\b(?:from|join)\s+"?(\w+)"?/gi)) tables.add(table)
    return all.apply(this, given)
  })
  try {
    await work()
  } finally {
    spy.mockRestore()
  }
  return tables
}

describe('a route whose answers are kept', () => {
  test('makes them of nothing but what it names', async () => {
    const kept = routes.flatMap((route) =>
      'cached' in route && route.cached ? [{ ...route, cached: route.cached }] : [],
    )
    expect(kept.length).toBeGreaterThan(5)
    for (const { path, cached } of kept) {
      const noun = /\/(\w+)s\/\{id\}/.exec(path)?.[1]
      const id = Object.entries(ids).find(([name]) => name === noun)?.[1] ?? ''
      const tables = await tablesReadBy(async () => {
        const scopes: SiteScope[] = ['all', [siteOf('here')], [siteOf('there')]]
        for (const role of roles)
          for (const sites of scopes) {
            const request = {
              params: path.includes('{id}') ? { id } : {},
              query: new URLSearchParams(),
              contentType: undefined,
              accept: undefined,
              readBody: async () => new Uint8Array(),
            }
            const answer = await cached.runFor(request, { principal: { role, sites } }).catch((error: unknown) => {
              // What is of another site.
              expect(error).toMatchObject({ status: 404 })
              return undefined
            })
            if (sites === 'all') expect([path, answer?.status]).toEqual([path, 200])
          }
      })
      expect([path, tables.size > 0]).toEqual([path, true])
      const named: readonly unknown[] = cached.of
      for (const table of tables)
        expect([path, table, named.includes(kindOfTable.get(table))]).toEqual([path, table, true])
    }
  })
})
