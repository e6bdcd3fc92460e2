import { sql } from 'kysely'
import { controlTopic, type Metric, type ProfileId, type ProfileRecord } from '../../../model/index.ts'
import type { ChangeScope } from '../change.ts'
import { parseMetrics } from '../columns.ts'
import { toPage } from '../page.ts'
import { prepared } from '../prepared.ts'
import type { Db } from '../schema.ts'
import type { ProfileQueries, ProfileWrites } from '../state.ts'
import { patched } from './patched.ts'
import { profileFaults } from './profile-faults.ts'
import { conflict, notFound, refuseFields } from './refusals.ts'
import { removeRulesOf } from './rule-changes.ts'

export function profileQueries(db: Db): ProfileQueries {
  const byId = prepared(db, (id: ProfileId) => db.selectFrom('profiles').selectAll().where('id', '=', id))

  return {
    async get(id) {
      const [row] = await byId(id)
      return row && toProfile(row)
    },

    async list({ limit, after }) {
      let query = db
        .selectFrom('profiles')
        .selectAll()
        .orderBy('id')
        .limit(limit + 1)
      if (after !== undefined) query = query.where(sql.ref<string>('id'), '>', after)
      return toPage(await query.execute(), limit, { item: toProfile, cursor: (row) => row.id })
    },
  }
}

export function profileWrites(scope: ChangeScope): ProfileWrites {
  const { db, note } = scope
  const profiles = profileQueries(db)

  return {
    async create(profile) {
      const doing = `create profile ${profile.id}`
      refuseFields(doing, profileFaults(profile))
      if ((await profiles.get(profile.id)) !== undefined) throw conflict(doing, 'id', 'is taken')
      await db.insertInto('profiles').values(toRow(profile)).execute()
      await record('create', profile.id, { after: profile })
      return profile
    },

    async update(id, patch) {
      const doing = `update profile ${id}`
      const before = await profiles.get(id)
      if (before === undefined) throw notFound(doing)
      const after = patched(before, patch)
      if (after === undefined) return before
      refuseFields(doing, profileFaults(after))
      for (const metric of changedInKind(before.metrics, after.metrics)) {
        if (!(await hasSeries(id, metric))) continue
        throw conflict(doing, 'metrics', `must keep ${metric.name} as a ${metric.kind}: it has series`)
      }
      await db.updateTable('profiles').set(toRow(after)).where('id', '=', id).execute()
      await record('update', id, { before, after })
      return after
    },

    async remove(id) {
      const doing = `remove profile ${id}`
      const before = await profiles.get(id)
      if (before === undefined) throw notFound(doing)
      const device = await db
        .selectFrom('devices')
        .select('id')
        .where('profile_id', '=', id)
        .limit(1)
        .executeTakeFirst()
      if (device !== undefined) throw conflict(doing, 'devices', `still use it, ${device.id} for one`)
      if (await hasSeries(id)) throw conflict(doing, 'series', 'of its devices are still stored')
      await record('remove', id, { before })
      await removeRulesOf(scope, { profileId: id })
      await db.deleteFrom('profiles').where('id', '=', id).execute()
    },
  }

  async function hasSeries(profileId: ProfileId, metric?: Metric): Promise<boolean> {
    let query = db.selectFrom('series').select('id').where('profile_id', '=', profileId).limit(1)
    if (metric !== undefined) query = query.where('metric', '=', metric.name)
    return (await query.executeTakeFirst()) !== undefined
  }

  function record(
    verb: 'create' | 'update' | 'remove',
    id: ProfileId,
    change: { before?: ProfileRecord; after?: ProfileRecord },
  ) {
    return note({ verb, type: 'profile', id, siteId: null, ...change, controlTopic: controlTopic.profile(id) })
  }
}

/**
 * Metrics whose stored readings would come to mean something else. One that vanished counts: it could come back as
 * another kind.
 */
function changedInKind(before: readonly Metric[], after: readonly Metric[]): readonly Metric[] {
  const kinds = new Map(after.map((metric) => [metric.name, metric.kind]))
  return before.filter((metric) => kinds.get(metric.name) !== metric.kind)
}

type ProfileRow = { id: ProfileId; name: string; reporting_interval_ms: number; metrics: string }

function toProfile(row: ProfileRow): ProfileRecord {
  return {
    id: row.id,
    name: row.name,
    reportingIntervalMs: row.reporting_interval_ms,
    metrics: parseMetrics(row.metrics),
  }
}

function toRow(profile: ProfileRecord): ProfileRow {
  return {
    id: profile.id,
    name: profile.name,
    reporting_interval_ms: profile.reportingIntervalMs,
    metrics: JSON.stringify(profile.metrics),
  }
}
