import type { KeyObject } from 'node:crypto'
import { sql } from 'kysely'
import { AppError } from '../../../model/index.ts'
import type { AnswerQueries, AnswerStore, AnswerWrites, NamedRequest } from '../answer-store.ts'
import type { StateConfig } from '../config.ts'
import type { Db, Tx } from '../schema.ts'
import { derive, seal, unseal } from '../sealing.ts'
import type { RunInTransaction } from '../shared-commit.ts'
import { sameHash } from '../tokens.ts'
import { conflict } from './refusals.ts'

export interface AnswerContext {
  readonly secret: KeyObject
  /** Epoch ms. */
  readonly now: () => number
  readonly bounds: Pick<StateConfig, 'answersPerPrincipal' | 'answerBytesPerPrincipal'>
}

const dayMs = 86_400_000
/** Counting what a principal has takes some ms, so it is done now and then. */
const keptBetweenTrims = 128

/** How a request is found, and what it is sealed with. */
function place({ principal, name, content }: NamedRequest, secret: KeyObject) {
  const who = `${principal.kind}:${principal.id}`
  return {
    who,
    keyHash: derive(secret, 'answer name', who, name),
    requestHash: derive(secret, 'answer request', content),
    sealKey: derive(secret, 'answer seal', who, name),
  }
}

export function answerQueries(db: Db, { secret, now }: AnswerContext): AnswerQueries {
  return {
    async find(request) {
      const { who, keyHash, requestHash, sealKey } = place(request, secret)
      const row = await db
        .selectFrom('kept_answers')
        .selectAll()
        .where('principal', '=', who)
        .where('key_hash', '=', keyHash)
        .where('created_ms', '>', now() - dayMs)
        .executeTakeFirst()
      if (row === undefined) return undefined
      if (!sameHash(row.request_hash, requestHash)) return { kind: 'another' }
      const kept: unknown = JSON.parse(unseal(sealKey, row.content, row.request_hash).toString())
      if (row.kind === 'answer') return { kind: 'answer', answer: kept }
      if (!Array.isArray(kept)) throw new AppError('store_failed', 'read kept results failed: they are no list')
      return { kind: 'results', results: kept }
    },
  }
}

/** `sinceTrim` is shared by all changes of a state: it counts what they kept. */
export function answerWrites(tx: Tx, context: AnswerContext, sinceTrim: { count: number }): AnswerWrites {
  return {
    async keepResults(request, results) {
      await put(tx, context, { request, kind: 'results', kept: results, first: results.length === 1 })
      if (++sinceTrim.count < keptBetweenTrims) return 0
      sinceTrim.count = 0
      await removeOld(tx, context)
      return makeRoom(tx, context, place(request, context.secret).who)
    },
  }
}

export function answerStore(reader: Db, commit: RunInTransaction, context: AnswerContext): AnswerStore {
  return {
    ...answerQueries(reader, context),
    keepAnswer: (request, answer) =>
      commit((tx) => put(tx, context, { request, kind: 'answer', kept: answer, first: false })),
    trim: () => commit((tx) => removeOld(tx, context)),
  }
}

interface Put {
  readonly request: NamedRequest
  readonly kind: 'results' | 'answer'
  readonly kept: unknown
  /** The name must not be in use. */
  readonly first: boolean
}

async function put(tx: Tx, { secret, now }: AnswerContext, { request, kind, kept, first }: Put): Promise<void> {
  const { who, keyHash, requestHash, sealKey } = place(request, secret)
  const content = seal(sealKey, Buffer.from(JSON.stringify(kept)), requestHash)
  const fresh = { request_hash: requestHash, kind, content, size_bytes: content.length, created_ms: now() }
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('kept_answers')
    .values({ principal: who, key_hash: keyHash, ...fresh })
    .onConflict((on) =>
      on
        .columns(['principal', 'key_hash'])
        .doUpdateSet(fresh)
        // One that is out of date counts as none; else only the request itself may go on with it.
        .where((eb) =>
          eb.or([
            eb('kept_answers.created_ms', '<=', now() - dayMs),
            ...(first ? [] : [eb('kept_answers.request_hash', '=', requestHash)]),
          ]),
        ),
    )
    .executeTakeFirstOrThrow()
  if (numInsertedOrUpdatedRows === 0n) throw conflict('keep results', 'Idempotency-Key', 'is in use by another request')
}

async function removeOld(tx: Tx, { now }: AnswerContext): Promise<number> {
  const { numDeletedRows } = await tx
    .deleteFrom('kept_answers')
    .where('created_ms', '<=', now() - dayMs)
    .executeTakeFirstOrThrow()
  return Number(numDeletedRows)
}

/** The oldest of the principal go until it has no more, and no larger ones, than it may. */
async function makeRoom(tx: Tx, { bounds }: AnswerContext, who: string): Promise<number> {
  const ranked = tx
    .selectFrom('kept_answers')
    .select([
      'key_hash',
      sql<number>`row_number() over (order by created_ms desc, key_hash)`.as('place'),
      sql<number>`sum(size_bytes) over (order by created_ms desc, key_hash)`.as('bytes'),
    ])
    .where('principal', '=', who)
    .as('ranked')
  const beyond = tx
    .selectFrom(ranked)
    .select('ranked.key_hash')
    .where((eb) =>
      eb.or([
        eb('ranked.place', '>', bounds.answersPerPrincipal),
        eb('ranked.bytes', '>', bounds.answerBytesPerPrincipal),
      ]),
    )
  const { numDeletedRows } = await tx
    .deleteFrom('kept_answers')
    .where('principal', '=', who)
    .where('key_hash', 'in', beyond)
    .executeTakeFirstOrThrow()
  return Number(numDeletedRows)
}
