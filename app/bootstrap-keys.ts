import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { type Clock, linkLifeMs } from '../model/index.ts'
import { commandLineKeySetting, platformActor, type State } from '../store/state/index.ts'

export interface BootstrapKeys {
  /** Of the command line on this machine; kept in the data folder, readable by its owner only. */
  readonly commandLine: string
  /** Made because nobody could have signed in otherwise; undefined where there was a key already. */
  readonly firstAdmin: string | undefined
}

/** It stood on a terminal, or in a journal: long enough to try things and to make keys, too short to build upon. */
const firstAdminLifeMs = 7 * 86_400_000

/** The operator's own key, from the first start on. Revoked or replaced it stays so, whatever the setting says. */
export async function acceptBootstrapKey(state: State, ownKey: string | undefined, logger: Logger): Promise<void> {
  if (ownKey === undefined || (await state.credentials.verify(ownKey)) !== undefined) return
  if (!(await state.credentials.isKnown(ownKey))) await issueAdminKey(state, 'bootstrap', { ownKey })
  else logger.warn('BOOTSTRAP_ADMIN_KEY is not accepted: it was revoked or replaced')
}

/**
 * Makes the keys that a start needs and does not have. The last thing that a start does: a key that nobody could be shown,
 * because the start failed, would lock everybody out.
 */
export async function makeFirstKeys(state: State, dataDir: string, clock: Clock): Promise<BootstrapKeys> {
  const nobody = (await state.credentials.listKeys({ limit: 1 })).items.length === 0
  const expiresMs = clock.now() + firstAdminLifeMs
  const firstAdmin = nobody ? await issueAdminKey(state, 'first admin', { expiresMs }) : undefined
  return { commandLine: await commandLineKey(state, join(dataDir, 'command-line.key')), firstAdmin }
}

async function commandLineKey(state: State, file: string): Promise<string> {
  const kept = existsSync(file) ? readFileSync(file, 'utf8').trim() : ''
  const known = kept === '' ? undefined : await state.credentials.verify(kept)
  const token = known === undefined ? await issueAdminKey(state, 'command line') : kept
  if (known === undefined) {
    writeFileSync(`${file}.new`, token, { mode: 0o600, flush: true })
    renameSync(`${file}.new`, file)
  }
  // So that what only the machine itself may do is told from what any admin's key may.
  const id = (known ?? (await state.credentials.verify(token)))?.id
  if (id !== undefined && (await state.settings.get(commandLineKeySetting)) !== id)
    await state.change(platformActor, (unit) => unit.settings.set(commandLineKeySetting, id))
  return token
}

/** The token of a link that makes the first admin, while there is nobody; the one of an earlier start is worth nothing. */
export async function makeSetupLink(state: State): Promise<string | undefined> {
  if ((await state.people.list({ limit: 1 })).items.length > 0) return undefined
  return (await state.change(platformActor, (unit) => unit.links.issue('setup', null, linkLifeMs.setup))).token
}

interface AdminKeyOptions {
  readonly ownKey?: string
  /** Absent: it does not. */
  readonly expiresMs?: number
}

async function issueAdminKey(state: State, name: string, options: AdminKeyOptions = {}): Promise<string> {
  const { ownKey, expiresMs = null } = options
  return state.change(platformActor, async (unit) => {
    const input = { name, role: 'admin', sites: 'all', scopes: [], expiresMs } as const
    return (await unit.credentials.issueKey(input, ownKey)).token
  })
}
