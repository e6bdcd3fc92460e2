import { sql } from 'kysely'
import type { RuleRecord } from '../../../model/index.ts'
import { emptyPage, toPage } from '../page.ts'
import { parseRule } from '../rule-columns.ts'
import type { RuleQueries, RuleVersion } from '../rule-store.ts'
import type { Db, StateSchema } from '../schema.ts'

export function ruleQueries(db: Db): RuleQueries {
  return {
    async get(id) {
      const row = await db.selectFrom('rules').selectAll().where('id', '=', id).executeTakeFirst()
      return row && toRule(row)
    },

    async siteOf({ appliesTo }) {
      if ('site' in appliesTo) return appliesTo.site
      if ('profile' in appliesTo) return null
      const { device } = appliesTo
      const row = await db.selectFrom('devices').select('site_id').where('id', '=', device).executeTakeFirst()
      return row?.site_id ?? null
    },

    async list({ scope, deviceId, profileId, siteId, limit, after }) {
      if (scope !== 'all' && scope.length === 0) return emptyPage
      let query = db
        .selectFrom('rules')
        .selectAll()
        .orderBy('id')
        .limit(limit + 1)
      if (scope !== 'all')
        query = query.where((eb) => {
          const devices = eb.selectFrom('devices').select('devices.id').where('devices.site_id', 'in', scope)
          return eb.or([
            eb('profile_id', 'is not', null),
            eb('rules.site_id', 'in', scope),
            eb('device_id', 'in', devices),
          ])
        })
      if (deviceId !== undefined) query = query.where('device_id', '=', deviceId)
      if (profileId !== undefined) query = query.where('profile_id', '=', profileId)
      if (siteId !== undefined) query = query.where('rules.site_id', '=', siteId)
      if (after !== undefined) query = query.where(sql.ref<string>('id'), '>', after)
      return toPage(await query.execute(), limit, { item: toRule, cursor: (row) => row.id })
    },

    async versions({ id, limit, after }) {
      let query = db
        .selectFrom('rule_versions')
        .selectAll()
        .where('rule_id', '=', id)
        .orderBy('version', 'desc')
        .limit(limit + 1)
      if (after !== undefined) query = query.where('version', '<', after)
      return toPage(await query.execute(), limit, { item: toVersion, cursor: (row) => row.version })
    },

    async version(id, version) {
      const row = await db
        .selectFrom('rule_versions')
        .selectAll()
        .where('rule_id', '=', id)
        .where('version', '=', version)
        .executeTakeFirst()
      return row && toVersion(row)
    },
  }
}

function toRule(row: StateSchema['rules']): RuleRecord {
  return parseRule(row.record)
}

function toVersion(row: StateSchema['rule_versions']): RuleVersion {
  return { record: parseRule(row.record), createdMs: row.created_ms, createdBy: row.created_by }
}
