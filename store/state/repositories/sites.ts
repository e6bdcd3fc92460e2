import { sql } from 'kysely'
import { controlTopic, type FieldError, isTimeZone, type SiteId, type SiteRecord } from '../../../model/index.ts'
import type { ChangeScope } from '../change.ts'
import { emptyPage, toPage } from '../page.ts'
import { prepared } from '../prepared.ts'
import type { Db } from '../schema.ts'
import type { SiteQueries, SiteWrites } from '../state.ts'
import { patched } from './patched.ts'
import { conflict, notFound, refuseFields } from './refusals.ts'
import { removeRulesOf } from './rule-changes.ts'

export function siteQueries(db: Db): SiteQueries {
  const byId = prepared(db, (id: SiteId) => db.selectFrom('sites').selectAll().where('id', '=', id))

  return {
    async get(id) {
      const [row] = await byId(id)
      return row && toSite(row)
    },

    async list({ scope, limit, after }) {
      if (scope !== 'all' && scope.length === 0) return emptyPage
      let query = db
        .selectFrom('sites')
        .selectAll()
        .orderBy('id')
        .limit(limit + 1)
      if (scope !== 'all') query = query.where('id', 'in', scope)
      if (after !== undefined) query = query.where(sql.ref<string>('id'), '>', after)
      return toPage(await query.execute(), limit, { item: toSite, cursor: (row) => row.id })
    },
  }
}

export function siteWrites(scope: ChangeScope): SiteWrites {
  const { db, note } = scope
  const sites = siteQueries(db)

  return {
    async create(site) {
      const doing = `create site ${site.id}`
      refuseFields(doing, siteFaults(site))
      if ((await sites.get(site.id)) !== undefined) throw conflict(doing, 'id', 'is taken')
      await db.insertInto('sites').values(toRow(site)).execute()
      await record('create', site.id, { after: site })
      return site
    },

    async update(id, patch) {
      const doing = `update site ${id}`
      const before = await sites.get(id)
      if (before === undefined) throw notFound(doing)
      const after = patched(before, patch)
      if (after === undefined) return before
      refuseFields(doing, siteFaults(after))
      await db.updateTable('sites').set(toRow(after)).where('id', '=', id).execute()
      await record('update', id, { before, after })
      return after
    },

    async remove(id) {
      const doing = `remove site ${id}`
      const before = await sites.get(id)
      if (before === undefined) throw notFound(doing)
      for (const table of ['assets', 'devices'] as const) {
        const user = await db.selectFrom(table).select('id').where('site_id', '=', id).limit(1).executeTakeFirst()
        if (user !== undefined) throw conflict(doing, table, `are still there, ${user.id} for one`)
      }
      await record('remove', id, { before })
      await removeRulesOf(scope, { siteId: id })
      await db.deleteFrom('sites').where('id', '=', id).execute()
    },
  }

  function record(
    verb: 'create' | 'update' | 'remove',
    id: SiteId,
    change: { before?: SiteRecord; after?: SiteRecord },
  ) {
    return note({ verb, type: 'site', id, siteId: id, ...change, controlTopic: controlTopic.site(id) })
  }
}

type SiteRow = { id: SiteId; name: string; time_zone: string; currency: string }

function toSite(row: SiteRow): SiteRecord {
  return { id: row.id, name: row.name, timeZone: row.time_zone, currency: row.currency }
}

function toRow(site: SiteRecord): SiteRow {
  return { id: site.id, name: site.name, time_zone: site.timeZone, currency: site.currency }
}

/** A zone that the platform cannot compute with would fail every report and tariff of the site. */
function siteFaults(site: SiteRecord): FieldError[] {
  const faults: FieldError[] = []
  if (!isTimeZone(site.timeZone)) faults.push({ field: 'timeZone', message: 'is not a known IANA time zone' })
  if (!/^[A-Z]{3}$/.test(site.currency)) faults.push({ field: 'currency', message: 'is not an ISO 4217 code' })
  return faults
}
