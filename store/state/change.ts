import { AppError, type Principal, type SiteId } from '../../model/index.ts'
import type { Actor } from './records.ts'
import type { Db, Tx } from './schema.ts'

type ChangeVerb =
  | 'create'
  | 'update'
  | 'remove'
  | 'issue'
  | 'revoke'
  | 'restore'
  | 'acknowledge'
  | 'comment'
  | 'resolve'
  | 'resend'
type ChangeType =
  | 'site'
  | 'asset'
  | 'profile'
  | 'device'
  | 'device-token'
  | 'api-key'
  | 'person'
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
  await tx
    .insertInto('audit')
    .values({
      id: await takeNumber(tx, 'audit'),
      time_ms: nowMs,
      principal_kind: actor.principal.kind,
      principal_id: actor.principal.id,
      action: `${note.type}.${note.verb}`,
      resource_type: note.type,
      resource_id: note.id,
      site_id: note.siteId,
      before: maskedJson(note.before),
      after: maskedJson(note.after),
      request_id: actor.requestId,
      address: actor.address,
    })
    .execute()
  if (note.controlTopic === undefined) return
  const record = note.controlPayload ?? note.after
  const payload = Buffer.from(record === undefined ? '' : JSON.stringify(record))
  await tx
    .insertInto('outbox')
    .values({ id: await takeNumber(tx, 'outbox'), topic: note.controlTopic, payload })
    .execute()
}

export type Counter = 'device' | 'series' | 'audit' | 'outbox' | 'rejected' | 'alert' | 'alert-event' | 'notification'

/**
 * The next number of a counter (the first of `count` in a row), from 1 on and never given twice. The counter's row
 * stays locked until the transaction ends, so numbers are in the order of the commits: the outbox and the lists by
 * time rely on that, and neither database's own sequences promise it.
 */
export async function takeNumber(tx: Tx, name: Counter, count = 1): Promise<number> {
  const row = await tx
    .insertInto('counters')
    .values({ name, value: count })
    .onConflict((conflict) =>
      conflict.column('name').doUpdateSet((eb) => ({ value: eb('counters.value', '+', eb.ref('excluded.value')) })),
    )
    .returning('value')
    .executeTakeFirst()
  if (row === undefined) throw new AppError('internal', `take number of ${name} failed`)
  return row.value - count + 1
}

/** The number that was taken last; 0: none was. */
export async function lastNumber(db: Db, name: Counter): Promise<number> {
  const row = await db.selectFrom('counters').select('value').where('name', '=', name).executeTakeFirst()
  return row?.value ?? 0
}

const secretName = /(token|secret|password|passphrase|hash|api_?key)$/i

function maskedJson(value: unknown): string | null {
  if (value === undefined) return null
  return JSON.stringify(value, (name, inner) => (secretName.test(name) && inner !== null ? '[secret]' : inner))
}
