import { controlTopic, parseRuleId, type RuleId, type RuleRecord, type RuleTarget } from '../../../model/index.ts'
import type { ChangeScope } from '../change.ts'
import type { RuleList, RuleWrites } from '../rule-store.ts'
import type { Db, StateSchema } from '../schema.ts'
import { newId } from '../tokens.ts'
import { patched } from './patched.ts'
import { conflict, invalid, notFound } from './refusals.ts'
import { ruleQueries } from './rules.ts'

/** Ingest keeps each of them compiled in memory. */
const maxRules = 10_000

export function ruleWrites({ db, nowMs, principal, note }: ChangeScope): RuleWrites {
  const rules = ruleQueries(db)

  return {
    async create({ id = parseRuleId(newId()), ...input }) {
      const doing = `create rule ${id}`
      if ((await rules.get(id)) !== undefined) throw conflict(doing, 'id', 'is taken')
      await refuseTooMany(doing)
      await checkTarget(doing, input.appliesTo)
      // One that had this id before keeps its versions: alerts of old name them.
      const rule = { id, ...input, version: (await lastVersion(id)) + 1 }
      await db.insertInto('rules').values(toRow(rule)).execute()
      await keepVersion(rule)
      await record('create', rule, { after: rule })
      return rule
    },

    async update(id, patch) {
      const doing = `update rule ${id}`
      const before = await rules.get(id)
      if (before === undefined) throw notFound(doing)
      const changed = patched(before, patch)
      return changed === undefined ? before : replace(doing, 'update', before, changed)
    },

    async restore(id, version) {
      const doing = `restore version ${version} of rule ${id}`
      const before = await rules.get(id)
      const kept = await rules.version(id, version)
      if (before === undefined || kept === undefined) throw notFound(doing)
      return replace(doing, 'restore', before, kept.record)
    },

    async remove(id) {
      const before = await rules.get(id)
      if (before === undefined) throw notFound(`remove rule ${id}`)
      await db.deleteFrom('rules').where('id', '=', id).execute()
      await record('remove', before, { before })
    },
  }

  async function replace(doing: string, verb: 'update' | 'restore', before: RuleRecord, content: RuleRecord) {
    await checkTarget(doing, content.appliesTo)
    const after = { ...content, version: before.version + 1 }
    await db.updateTable('rules').set(toRow(after)).where('id', '=', after.id).execute()
    await keepVersion(after)
    await record(verb, after, { before, after })
    return after
  }

  async function refuseTooMany(doing: string): Promise<void> {
    const { count } = await db
      .selectFrom('rules')
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow()
    if (count >= maxRules) throw conflict(doing, 'rules', `are ${maxRules} already: remove one first`)
  }

  async function checkTarget(doing: string, target: RuleTarget): Promise<void> {
    const { field, id, row } = await findTarget(db, target)
    if (row === undefined) throw invalid(doing, `appliesTo/${field}`, `${id} is unknown`)
  }

  async function lastVersion(id: RuleId): Promise<number> {
    const row = await db
      .selectFrom('rule_versions')
      .select((eb) => eb.fn.max('version').as('version'))
      .where('rule_id', '=', id)
      .executeTakeFirst()
    return row?.version ?? 0
  }

  async function keepVersion(rule: RuleRecord): Promise<void> {
    const made = { created_ms: nowMs, created_by: principal.id }
    await db
      .insertInto('rule_versions')
      .values({ rule_id: rule.id, version: rule.version, record: JSON.stringify(rule), ...made })
      .execute()
  }

  async function record(
    verb: 'create' | 'update' | 'restore' | 'remove',
    rule: RuleRecord,
    change: { before?: RuleRecord; after?: RuleRecord },
  ) {
    const siteId = await rules.siteOf(rule)
    const fromSiteId = change.before === undefined ? siteId : await rules.siteOf(change.before)
    const topic = controlTopic.rule(rule.id)
    await note({ verb, type: 'rule', id: rule.id, siteId, fromSiteId, ...change, controlTopic: topic })
  }
}

/**
 * A device, a profile or a site that goes takes its own rules along. To be called while it is still there, and after
 * its own end is noted: then alerts end because of it, not because of the rule.
 */
export async function removeRulesOf(
  scope: ChangeScope,
  target: Pick<RuleList, 'deviceId' | 'profileId' | 'siteId'>,
): Promise<void> {
  const { items } = await ruleQueries(scope.db).list({ scope: 'all', ...target, limit: maxRules })
  const rules = ruleWrites(scope)
  for (const { id } of items) await rules.remove(id)
}

async function findTarget(db: Db, target: RuleTarget) {
  if ('device' in target) {
    const row = await db.selectFrom('devices').select('id').where('id', '=', target.device).executeTakeFirst()
    return { field: 'device', id: target.device, row }
  }
  if ('profile' in target) {
    const row = await db.selectFrom('profiles').select('id').where('id', '=', target.profile).executeTakeFirst()
    return { field: 'profile', id: target.profile, row }
  }
  const row = await db.selectFrom('sites').select('id').where('id', '=', target.site).executeTakeFirst()
  return { field: 'site', id: target.site, row }
}

function toRow(rule: RuleRecord): StateSchema['rules'] {
  const { id, version, appliesTo } = rule
  return {
    id,
    version,
    device_id: 'device' in appliesTo ? appliesTo.device : null,
    profile_id: 'profile' in appliesTo ? appliesTo.profile : null,
    site_id: 'site' in appliesTo ? appliesTo.site : null,
    record: JSON.stringify(rule),
  }
}
