import { z } from '@hono/zod-openapi'
import { principalKinds } from '../model/index.ts'
import { type AuditRecord, type AuditStep, auditFaultKinds } from '../store/state/index.ts'
import { csvLine } from './csv.ts'
import { siteIdField, timeField, timeInput } from './fields.ts'
import { pageQuery } from './paging.ts'
import { formatTime } from './time.ts'
import { checkRange } from './time-range.ts'

const word = z.string().min(1).max(100)

export const auditQuery = z
  .strictObject({
    ...pageQuery,
    resourceType: word.optional().openapi({ description: '`device`, `site`, `asset`, `profile`, `api-key`, …' }),
    resourceId: word.optional(),
    siteId: siteIdField.optional(),
    action: word.optional().openapi({ description: '`device.create`, `rule.update`, `api-key.revoke`, …' }),
    principal: word.optional().openapi({ description: 'Id of who did it' }),
    principalKind: z.enum(principalKinds).optional(),
    text: word.optional().openapi({
      description:
        'Anywhere in an entry: its ids, its action, the request and the address, the records before and after. ' +
        'Capitals from A to Z do not count.',
    }),
    from: timeInput.optional(),
    to: timeInput.optional(),
  })
  .check(checkRange)

const hashField = z.string().openapi({ example: 'e342e00486aba74e1cdd08ae0d29d7c0fd876d34468f7d7d1304a77b537f5e20' })

export const auditSchema = z
  .strictObject({
    id: z.int().openapi({ description: '1, 2, …, without a gap' }),
    time: timeField,
    principal: z.strictObject({ kind: z.enum(principalKinds), id: z.string() }),
    action: z.string().openapi({ example: 'device.create' }),
    resourceType: z.string(),
    resourceId: z.string(),
    siteId: z.string().nullable().openapi({ description: 'Null: concerns no single site' }),
    before: z.unknown().openapi({ description: 'The record before, secrets masked; null where there was none' }),
    after: z.unknown().openapi({ description: 'The record after, secrets masked; null where there is none' }),
    requestId: z.string().nullable(),
    address: z.string().nullable(),
    previousHash: hashField.openapi({ description: '`hash` of the entry before, whoever may see that one' }),
    hash: hashField.openapi({ description: 'SHA-256 of `previousHash` and all of this entry but its `id`' }),
  })
  .openapi('AuditEntry')

export function toEntry(record: AuditRecord): z.input<typeof auditSchema> {
  const { id, timeMs, principalKind, principalId, action, resourceType, resourceId, siteId } = record
  return {
    id,
    time: formatTime(timeMs),
    principal: { kind: principalKind, id: principalId },
    action,
    resourceType,
    resourceId,
    siteId,
    before: record.before ?? null,
    after: record.after ?? null,
    requestId: record.requestId,
    address: record.address,
    previousHash: record.previousHash,
    hash: record.hash,
  }
}

export const csvHead = csvLine([
  'id',
  'time',
  'principalKind',
  'principalId',
  'action',
  'resourceType',
  'resourceId',
  'siteId',
  'before',
  'after',
  'requestId',
  'address',
  'previousHash',
  'hash',
])

export function toCsv(record: AuditRecord): string {
  const json = (value: unknown): string | null => (value === null ? null : JSON.stringify(value))
  return csvLine([
    record.id,
    formatTime(record.timeMs),
    record.principalKind,
    record.principalId,
    record.action,
    record.resourceType,
    record.resourceId,
    record.siteId,
    json(record.before),
    json(record.after),
    record.requestId,
    record.address,
    record.previousHash,
    record.hash,
  ])
}

const counted = z.int().openapi({ description: 'Entries that are whole and in their place, so far' })

export const verificationSchema = z
  .union([
    z.strictObject({ kind: z.literal('progress'), checked: counted, total: z.int() }),
    z.strictObject({
      kind: z.literal('verdict'),
      intact: z.boolean(),
      checked: counted,
      removedThrough: z.int().openapi({ description: 'Retention has removed the entries up to this one; 0: none' }),
      head: z.strictObject({ id: z.int(), hash: z.string() }).openapi({
        description: 'The newest entry that is whole: write it down elsewhere, and compare later',
      }),
      fault: z
        .strictObject({
          what: z.enum(auditFaultKinds),
          id: z.int().nullable().openapi({ description: 'Of the entry; null where that is not known' }),
          detail: z.string(),
        })
        .nullable()
        .openapi({ description: 'The first thing that is wrong; null: nothing is' }),
    }),
  ])
  .openapi('AuditVerification', { description: 'A line of the verification; the verdict is the last one' })

export function toVerification(step: AuditStep): z.input<typeof verificationSchema> {
  switch (step.kind) {
    case 'progress':
      return { kind: step.kind, checked: step.checked, total: step.total }
    case 'verdict': {
      const { kind, checked, removedThrough, head, fault } = step
      return { kind, intact: fault === null, checked, removedThrough, head, fault }
    }
    default:
      return step satisfies never
  }
}
