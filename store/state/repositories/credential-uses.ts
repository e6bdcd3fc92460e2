import type { SecretUse } from '../records.ts'
import type { Db, Tx } from '../schema.ts'
import type { CredentialUses } from '../state.ts'
import { secretOf } from './credentials.ts'

/** Each is some 20 µs under the write lock. */
const usesPerTransaction = 200

export function credentialUses(writer: Db): CredentialUses {
  return {
    async record(uses) {
      for (let start = 0; start < uses.length; start += usesPerTransaction) {
        const batch = uses.slice(start, start + usesPerTransaction)
        await writer.transaction().execute(async (tx) => {
          for (const use of batch) await recordOne(tx, use)
        })
      }
    },
  }
}

async function recordOne(tx: Tx, { secretId, usedMs }: SecretUse): Promise<void> {
  const { credentialId, secret } = secretOf(secretId)
  const { numUpdatedRows } = await tx
    .updateTable('credentials')
    .set({ last_used_ms: usedMs })
    .where('id', '=', credentialId)
    .where('secret', '=', secret)
    .where((eb) => eb.or([eb('last_used_ms', 'is', null), eb('last_used_ms', '<', usedMs)]))
    .executeTakeFirst()
  // It was replaced in the meantime, or a later use of it is known.
  if (numUpdatedRows > 0n) return
  await tx
    .updateTable('old_secrets')
    .set({ last_used_ms: usedMs })
    .where('credential_id', '=', credentialId)
    .where('secret', '=', secret)
    .where((eb) => eb.or([eb('last_used_ms', 'is', null), eb('last_used_ms', '<', usedMs)]))
    .execute()
}
