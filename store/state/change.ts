import type { Principal, SiteId } from '../../model/index.ts'
import { appendAudit } from './audit/append.ts'
import { maskedJson } from './audit/mask.ts'
import { takeNumber } from './counters.ts'
import type { Actor } from './records.ts'
import type { Tx } from './schema.ts'

type ChangeVerb =
  | 'create'
  | 'update'
  | 'remove'
  | 'issue'
  | 'rotate'
  | 'quarantine'
  | 'release'
  | 'revoke'
  | 'restore'
  | 'acknowledge'
  | 'comment'
  | 'resolve'
  | 'resend'
  | 'sign-in'
  | 'sign-out'
  | 'refuse-sign-in'
  | 'set-password'
  | 'end'
  | 'end-sessions'
type ChangeType =
  | 'site'
  | 'asset'
  | 'profile'
  | 'device'
  | 'device-token'
  | 'device-certificate'
  | 'api-key'
  | 'person'
  | 'second-factor'
  | 'session'
  | 'link'
  | 'setting'
  | 'rule'
  | 'alert'
  | 'notification'

/** One change as the audit log and the rules need to know it. */
export interface ChangeNote {
  readonly verb: ChangeVerb
  readonly type: ChangeType
  readonly id: string
  /** Null: concerns no single site. */
  readonly siteId: SiteId | null
  /**
   * Where it was before. When that is another site there are two rows, the first for that site with what was before, the
   * second with what came after: who sees one site only must not read in its log what was or is so in another.
   */
  readonly fromSiteId?: SiteId | null
  readonly before?: unknown
  readonly after?: unknown
  /** Topic of the control frame; its payload is `after` where `controlPayload` gives no other, or empty without both. */
  readonly controlTopic?: string
  readonly controlPayload?: unknown
}

/** What a writing repository works with. */
export interface ChangeScope {
  readonly db: Tx
  readonly nowMs: number
  /** Whose change it is. */
  readonly principal: Principal
  /** Writes the audit row, and the control frame where the note names a topic. */
  note(note: ChangeNote): Promise<void>
}

export function changeScope(tx: Tx, nowMs: number, actor: Actor): ChangeScope {
  return { db: tx, nowMs, principal: actor.principal, note: (note) => writeNote(tx, nowMs, actor, note) }
}

async function writeNote(tx: Tx, nowMs: number, actor: Actor, note: ChangeNote): Promise<void> {
  for (const { siteId, before, after } of partsOf(note)) {
    await appendAudit(tx, {
      time_ms: nowMs,
      principal_kind: actor.principal.kind,
      principal_id: actor.principal.id,
      action: `${note.type}.${note.verb}`,
      resource_type: note.type,
      resource_id: note.id,
      site_id: siteId,
      before: maskedJson(before),
      after: maskedJson(after),
      request_id: actor.requestId,
      address: actor.address,
    })
  }
  if (note.controlTopic === undefined) return
  const record = note.controlPayload ?? note.after
  const payload = Buffer.from(record === undefined ? '' : JSON.stringify(record))
  await tx
    .insertInto('outbox')
    .values({ id: await takeNumber(tx, 'outbox'), topic: note.controlTopic, payload })
    .execute()
}

type Part = Pick<ChangeNote, 'siteId' | 'before' | 'after'>

function partsOf({ fromSiteId, siteId, before, after }: ChangeNote): readonly Part[] {
  if (fromSiteId === undefined || fromSiteId === siteId) return [{ siteId, before, after }]
  return [
    { siteId: fromSiteId, before },
    { siteId, after },
  ]
}
