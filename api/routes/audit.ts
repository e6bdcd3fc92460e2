import { setImmediate as nextTurn } from 'node:timers/promises'
import { z } from '@hono/zod-openapi'
import type { AuditList, AuditRecord } from '../../store/state/index.ts'
import {
  auditQuery,
  auditSchema,
  csvHead,
  toCsv,
  toEntry,
  toVerification,
  verificationSchema,
} from '../audit-schemas.ts'
import { loadPage, pageSchema, timePlace } from '../paging.ts'
import { badParameter } from '../problem.ts'
import { defineRoute, type Route } from '../route.ts'
import type { RouteDeps } from '../route-deps.ts'
import { csvType, jsonLines, linesType, preferred } from '../text-stream.ts'
import { createTurns } from '../turns.ts'

const tag = 'Platform'
/** Of an export: what is held of it at a time. */
const rowsPerChunk = 500
/** Exports and verifications at once; each takes its share of the thread that answers everybody. */
const walksAtOnce = 2

export function auditRoutes({ state, recordedCheckpoints }: RouteDeps): Route[] {
  const inTurn = createTurns(walksAtOnce)

  /** All that the filter finds, in pieces: as text, with one record a line. */
  async function* chunksOf(filter: AuditFilter, toLine: (record: AuditRecord) => string): AsyncGenerator<string> {
    for (let after: AuditList['after'] | null; after !== null; ) {
      const page = await state.audit.list({ ...filter, limit: rowsPerChunk, after })
      if (page.items.length > 0) yield page.items.map(toLine).join('')
      after = page.next
      await nextTurn()
    }
  }

  async function* csvOf(filter: AuditFilter): AsyncGenerator<string> {
    yield csvHead
    yield* chunksOf(filter, toCsv)
  }

  return [
    defineRoute({
      method: 'get',
      path: '/api/v1/audit',
      tag,
      summary: 'List or export who changed what, the newest first',
      description:
        'With `Accept: text/csv` or `application/x-ndjson` all that the filters find comes at once, an entry a line; ' +
        'without `limit` and `cursor` then. A search looks at 10,000 entries a time, so a page may have fewer items ' +
        'than `limit`, even none, while there is a next one.',
      policy: { role: 'admin', scope: 'audit:read', sites: 'own' },
      request: { query: auditQuery },
      responses: {
        200: {
          description: 'Changes, the newest first',
          schema: pageSchema(auditSchema),
          streams: { [csvType]: z.string(), [linesType]: auditSchema },
        },
      },
      async handler({ query, accept }, { principal }) {
        const { resourceType, resourceId, siteId, action, principal: principalId, principalKind, text } = query
        const { from, to, limit, cursor } = query
        const searched = { resourceType, resourceId, siteId, action, principalId, principalKind, text }
        const filter = { ...searched, fromMs: from, toMs: to, scope: principal.sites }
        const format = preferred(accept, ['application/json', csvType, linesType])
        if (format === 'application/json') {
          const body = await loadPage(query, {
            filter: { list: 'audit', ...searched, from, to },
            place: timePlace,
            load: (page) => state.audit.list({ ...page, ...filter }),
            toItem: toEntry,
          })
          return { status: 200, body }
        }
        if (limit !== undefined) throw badParameter('limit', 'is for pages: an export is whole')
        if (cursor !== undefined) throw badParameter('cursor', 'is for pages: an export is whole')
        const toJsonLine = (record: AuditRecord) => `${JSON.stringify(toEntry(record))}\n`
        const chunks = inTurn(() => (format === csvType ? csvOf(filter) : chunksOf(filter, toJsonLine)))
        const name = `audit.${format === csvType ? 'csv' : 'jsonl'}`
        return {
          status: 200,
          headers: { 'content-disposition': `attachment; filename="${name}"` },
          stream: { mediaType: format, chunks },
        }
      },
    }),
    defineRoute({
      method: 'get',
      path: '/api/v1/audit/verify',
      tag,
      summary: 'Verify that nobody has changed, removed or added an audit entry',
      description:
        'Computes the chain of hashes anew, from the oldest entry on, and compares it with the checkpoints that the ' +
        'platform has written beside its database. A line tells how far it is; the last one is the verdict.',
      policy: { role: 'admin', scope: 'audit:read', sites: 'every' },
      request: {
        query: z.strictObject({
          expected: z
            .string()
            .regex(/^[0-9a-f]{64}$/, 'must be 64 digits from 0 to 9 and a to f')
            .optional()
            .openapi({ description: '`head.hash` of an earlier verdict; an entry with it has to be there' }),
        }),
      },
      responses: { 200: { description: 'Progress, and the verdict', streams: { [linesType]: verificationSchema } } },
      async handler({ query: { expected } }) {
        const recorded = await recordedCheckpoints()
        const steps = inTurn(async function* () {
          for await (const step of state.audit.verify({ recorded, expected })) yield toVerification(step)
        })
        return { status: 200, stream: { mediaType: linesType, chunks: jsonLines(steps) } }
      },
    }),
  ]
}

type AuditFilter = Omit<AuditList, 'limit' | 'after'>
