import { z } from '@hono/zod-openapi'
import {
  type Access,
  maySee,
  type Principal,
  type RuleId,
  type RuleRecord,
  type RuleTarget,
} from '../../model/index.ts'
import type { RuleVersion } from '../../store/state/index.ts'
import { deviceIdField, profileIdField, ruleIdField, siteIdField, timeField } from '../fields.ts'
import { idPlace, loadPage, numberPlace, pageQuery, pageSchema } from '../paging.ts'
import { badField, HttpProblem } from '../problem.ts'
import { defineCachedRoute, defineRoute, type Route } from '../route.ts'
import type { RouteDeps } from '../route-deps.ts'
import { createRuleCheck } from '../rule-check.ts'
import { ruleInput, rulePatch, ruleSchema, toCondition, toRule } from '../rule-schemas.ts'
import { found, visible } from '../site-access.ts'
import { formatTime } from '../time.ts'

const one = z.strictObject({ id: ruleIdField })
const tag = 'Rules'

const listQuery = z.strictObject({
  ...pageQuery,
  deviceId: deviceIdField.optional().openapi({ description: 'Those of this device only; not those of its profile' }),
  profileId: profileIdField.optional(),
  siteId: siteIdField.optional(),
})

const versionSchema = z
  .strictObject({
    createdAt: timeField,
    createdBy: z.string().openapi({ description: 'Id of who made it; `platform` for the default rules' }),
    rule: ruleSchema,
  })
  .openapi('RuleVersion')

export function ruleRoutes({ state, changes, validateRule }: RouteDeps): Route[] {
  const check = createRuleCheck(state, validateRule)

  /** A rule of a profile concerns all sites and is seen by all; the others by those who see their site. */
  async function seenRule(principal: Access, id: RuleId): Promise<RuleRecord> {
    const rule = found(await state.rules.get(id), 'rule', id)
    const siteId = await state.rules.siteOf(rule)
    return found(siteId === null || maySee(principal.sites, siteId) ? rule : undefined, 'rule', id)
  }

  async function ownRule(principal: Principal, id: RuleId): Promise<RuleRecord> {
    const rule = await seenRule(principal, id)
    await requireTarget(principal, rule.appliesTo)
    return rule
  }

  /** A rule may have been for another site before: what it was then is shown to those who see that one. */
  async function maySeeVersion(principal: Access, { record }: RuleVersion): Promise<boolean> {
    const { appliesTo } = record
    if (principal.sites === 'all' || 'profile' in appliesTo) return true
    if ('site' in appliesTo) return maySee(principal.sites, appliesTo.site)
    return visible(principal, await state.devices.get(appliesTo.device)) !== undefined
  }

  async function seenVersion(principal: Access, id: RuleId, number: number): Promise<RuleVersion> {
    const version = await state.rules.version(id, number)
    const seen = version !== undefined && (await maySeeVersion(principal, version)) ? version : undefined
    return found(seen, `version ${number} of rule`, id)
  }

  /** What a rule may be made for: a device or a site that the principal sees, a profile only by those who see all. */
  async function requireTarget(principal: Principal, target: RuleTarget): Promise<void> {
    if (principal.sites === 'all') return
    if ('profile' in target) throw new HttpProblem('forbidden', 'a rule of a profile concerns every site')
    if ('site' in target) {
      if (!maySee(principal.sites, target.site)) throw badField('appliesTo.site', `${target.site} is unknown`)
      return
    }
    const device = visible(principal, await state.devices.get(target.device))
    if (device === undefined) throw badField('appliesTo.device', `${target.device} is unknown`)
  }

  return [
    defineCachedRoute({
      method: 'get',
      path: '/api/v1/rules',
      tag,
      summary: 'List the rules in their versions in force',
      policy: { role: 'viewer', scope: 'rules:read', sites: 'own' },
      cache: { of: ['inventory'] },
      request: { query: listQuery },
      responses: { 200: { description: 'Rules by id', schema: pageSchema(ruleSchema) } },
      async handler({ query }, { principal }) {
        const { deviceId, profileId, siteId } = query
        const body = await loadPage(query, {
          filter: { list: 'rules', deviceId, profileId, siteId },
          place: idPlace,
          load: (page) => state.rules.list({ ...page, scope: principal.sites, deviceId, profileId, siteId }),
          toItem: toRule,
        })
        return { status: 200, body }
      },
    }),
    defineRoute({
      method: 'post',
      path: '/api/v1/rules',
      tag,
      summary: 'Create a rule',
      policy: { role: 'admin', scope: 'rules:write', sites: 'own' },
      request: { body: ruleInput },
      responses: { 201: { description: 'The new rule, version 1', schema: ruleSchema } },
      async handler({ body }, context) {
        await requireTarget(context.principal, body.appliesTo)
        const input = { ...body, condition: toCondition(body.condition) }
        await check(input.appliesTo, input)
        const rule = await changes.apply(context, (unit) => unit.rules.create(input))
        return { status: 201, headers: { location: `/api/v1/rules/${rule.id}` }, body: toRule(rule) }
      },
    }),
    defineRoute({
      method: 'get',
      path: '/api/v1/rules/{id}',
      tag,
      summary: 'Read a rule',
      policy: { role: 'viewer', scope: 'rules:read', sites: 'own' },
      request: { params: one },
      responses: { 200: { description: 'The version in force', schema: ruleSchema } },
      async handler({ params }, { principal }) {
        return { status: 200, body: toRule(await seenRule(principal, params.id)) }
      },
    }),
    defineRoute({
      method: 'patch',
      path: '/api/v1/rules/{id}',
      tag,
      summary: 'Change a rule, which makes its next version',
      description: 'What is left out stays as it is; `appliesTo` and `condition` are replaced whole.',
      policy: { role: 'admin', scope: 'rules:write', sites: 'own' },
      request: { params: one, body: rulePatch },
      responses: { 200: { description: 'The version in force now', schema: ruleSchema } },
      async handler({ params, body }, context) {
        const before = await ownRule(context.principal, params.id)
        const patch = { ...body, condition: body.condition && toCondition(body.condition) }
        const appliesTo = patch.appliesTo ?? before.appliesTo
        await requireTarget(context.principal, appliesTo)
        await check(appliesTo, {
          condition: patch.condition ?? before.condition,
          forMs: patch.forMs ?? before.forMs,
          keepFiringForMs: patch.keepFiringForMs ?? before.keepFiringForMs,
        })
        const rule = await changes.apply(context, async (unit) => {
          // What was checked is what is changed: somebody else may have made a version in between.
          if ((await unit.rules.get(params.id))?.version !== before.version)
            throw new HttpProblem('conflict', `rule ${params.id} has just been changed: read it again`)
          return unit.rules.update(params.id, patch)
        })
        return { status: 200, body: toRule(rule) }
      },
    }),
    defineRoute({
      method: 'delete',
      path: '/api/v1/rules/{id}',
      tag,
      summary: 'Delete a rule and resolve its alerts',
      policy: { role: 'admin', scope: 'rules:write', sites: 'own' },
      request: { params: one },
      responses: { 204: { description: 'It is gone' } },
      async handler({ params }, context) {
        await ownRule(context.principal, params.id)
        await changes.apply(context, (unit) => unit.rules.remove(params.id))
        return { status: 204 }
      },
    }),
    defineCachedRoute({
      method: 'get',
      path: '/api/v1/rules/{id}/versions',
      tag,
      summary: 'List the versions of a rule, the newest first',
      policy: { role: 'viewer', scope: 'rules:read', sites: 'own' },
      cache: { of: ['inventory'] },
      request: { params: one, query: z.strictObject(pageQuery) },
      responses: { 200: { description: 'Versions, the newest first', schema: pageSchema(versionSchema) } },
      async handler({ params, query }, { principal }) {
        const { id } = await seenRule(principal, params.id)
        const body = await loadPage(query, {
          filter: { list: 'rule versions', id },
          place: numberPlace,
          async load(page) {
            const { items, next } = await state.rules.versions({ ...page, id })
            const seen = await Promise.all(items.map((version) => maySeeVersion(principal, version)))
            return { items: items.filter((_, i) => seen[i]), next }
          },
          toItem: toVersion,
        })
        return { status: 200, body }
      },
    }),
    defineRoute({
      method: 'post',
      path: '/api/v1/rules/{id}/restore',
      tag,
      summary: 'Bring back an earlier version of a rule, as its next one',
      policy: { role: 'admin', scope: 'rules:write', sites: 'own' },
      request: { params: one, body: z.strictObject({ version: z.int().min(1) }).openapi('RuleRestore') },
      responses: { 200: { description: 'The version in force now', schema: ruleSchema } },
      async handler({ params, body }, context) {
        const { principal } = context
        const { id } = await ownRule(principal, params.id)
        const kept = await seenVersion(principal, id, body.version)
        await requireTarget(principal, kept.record.appliesTo)
        await check(kept.record.appliesTo, kept.record)
        const rule = await changes.apply(context, (unit) => unit.rules.restore(id, body.version))
        return { status: 200, body: toRule(rule) }
      },
    }),
  ]
}

function toVersion({ record, createdMs, createdBy }: RuleVersion): z.input<typeof versionSchema> {
  return { createdAt: formatTime(createdMs), createdBy, rule: toRule(record) }
}
