import type { Logger } from 'pino'
import {
  AppError,
  type DeviceId,
  isAppError,
  type Language,
  linkLifeMs,
  type Principal,
  type ProfileId,
  type Role,
  refuseWeakPassword,
  type SiteId,
  type SiteScope,
  systemClock,
} from '../../model/index.ts'
import { defaultRules } from '../../rules/index.ts'
import { type Actor, openState, type SeedConfig, type State, seedState } from '../../store/state/index.ts'
import { findRunning, openDataFolder, type RunningPlatform } from '../data-folder.ts'
import { stateConfigOf } from '../state.ts'
import { sendToRunning } from './ask.ts'

export interface NewDevice {
  readonly id: DeviceId
  readonly profileId: ProfileId
  readonly siteId: SiteId
}
export interface NewKey {
  readonly name: string
  readonly role: Role
  readonly sites: SiteScope
}
export interface NewPerson {
  readonly email: string
  readonly name: string
  readonly role: Role
  readonly sites: SiteScope
  readonly language: Language
  /** Undefined: the person gets a link to set one. */
  readonly password: string | undefined
}
/** The token is shown this once. */
export interface Made {
  readonly id: string
  readonly token: string
}

/** What the command line does to a platform, whether one runs on the data folder or not. */
export interface Admin {
  addDevice(device: NewDevice): Promise<Made>
  createKey(key: NewKey): Promise<Made>
  /** The token is that of a link, or empty where a password was given. */
  addPerson(person: NewPerson): Promise<Made>
  /** A link for somebody who has lost their password, and their second factor too where that is said. */
  linkPerson(email: string, loses: { readonly secondFactor: boolean }): Promise<Made>
}

const principal: Principal = { kind: 'platform', id: 'command-line', role: 'admin', sites: 'all' }
const actor: Actor = { principal, requestId: null, address: null }

export interface AdminPlace {
  readonly dataDir: string
  readonly firstSite: SeedConfig
}

/** Speaks HTTP to the platform that runs on the folder; opens its files, under the lock, when none runs. */
export async function withAdmin<T>(place: AdminPlace, logger: Logger, work: (admin: Admin) => Promise<T>): Promise<T> {
  const { dataDir, firstSite } = place
  let folder: ReturnType<typeof openDataFolder>
  try {
    folder = openDataFolder(dataDir)
  } catch (error) {
    const running = isAppError(error, 'data_folder_locked') ? findRunning(dataDir) : undefined
    if (running === undefined) throw error
    return work(overHttp(running))
  }
  try {
    const state = await openState(stateConfigOf(folder, { migrate: true }), { clock: systemClock, logger })
    try {
      await seedState(state, { ...firstSite, rules: defaultRules })
      return await work(overFiles(state))
    } finally {
      await state.close()
    }
  } finally {
    folder.release()
  }
}

/** Loaded when it is needed: the API brings much along. */
async function hashOf(password: string): Promise<string> {
  const { hashPassword } = await import('../../api/index.ts')
  return hashPassword(password)
}

/** The control frames that this leaves in the outbox are appended at the platform's next start. */
function overFiles(state: State): Admin {
  return {
    addDevice: ({ id, profileId, siteId }) =>
      state.change(actor, async (unit) => {
        const fresh = { assetId: null, gatewayId: null, name: id, attributes: {}, tags: [], limits: {} }
        await unit.devices.create({ id, profileId, siteId, ...fresh })
        const { token } = await unit.credentials.issueDeviceToken(id)
        return { id, token }
      }),
    createKey: (key) =>
      state.change(actor, async (unit) => {
        const { record, token } = await unit.credentials.issueKey({ ...key, scopes: [], expiresMs: null })
        return { id: record.id, token }
      }),
    async addPerson({ password, ...input }) {
      if (password !== undefined) refuseWeakPassword(password, input)
      const hash = password === undefined ? undefined : await hashOf(password)
      return state.change(actor, async (unit) => {
        const { id } = await unit.people.create({ ...input, timeZone: null })
        if (hash === undefined)
          return { id, token: (await unit.links.issue('invitation', id, linkLifeMs.invitation)).token }
        await unit.accounts.setPassword(id, hash)
        return { id, token: '' }
      })
    },
    linkPerson: (email, { secondFactor }) =>
      state.change(actor, async (unit) => {
        const person = await unit.people.findByEmail(email)
        if (person === undefined) throw new AppError('not_found', `find ${email} failed: there is nobody`)
        if (secondFactor && person.hasSecondFactor) await unit.accounts.removeSecondFactor(person.id)
        const purpose = person.signInWays.length === 0 ? 'invitation' : 'password-reset'
        return { id: person.id, token: (await unit.links.issue(purpose, person.id, linkLifeMs.invitation)).token }
      }),
  }
}

/** A new device, key, person or link. */
interface Answer {
  readonly id: string
  readonly token?: string | null
  readonly key?: string
}

interface Problem {
  readonly title?: string
  readonly detail?: string
  readonly errors?: readonly { readonly field: string; readonly message: string }[]
}

function overHttp(running: RunningPlatform): Admin {
  async function ask<T>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<T> {
    const { status, text: json } = await sendToRunning(running, method, path, body)
    if (status === 204) return undefined as T
    if (status < 300) return JSON.parse(json) as T
    if (status === 401)
      throw new AppError(
        'unauthenticated',
        'the key "command line" was revoked; a restart of the platform makes another',
      )
    const answer = JSON.parse(json) as Problem
    const text = answer.detail ?? answer.title ?? `status ${status}`
    throw new AppError('invalid_input', text, { fields: answer.errors ?? [] })
  }
  async function post(path: string, body?: unknown): Promise<Made> {
    const { id, token, key } = await ask<Answer>('POST', path, body)
    return { id, token: token ?? key ?? '' }
  }
  return {
    addDevice: (device) => post('/devices', device),
    createKey: (newKey) => post('/keys', newKey),
    addPerson: ({ password, ...person }) =>
      post('/people', { ...person, ...(password === undefined ? { link: true } : { password }) }),
    async linkPerson(email, { secondFactor }) {
      const { items } = await ask<{ items: { id: string; secondFactor: boolean }[] }>(
        'GET',
        `/people?email=${encodeURIComponent(email)}`,
      )
      const [person] = items
      if (person === undefined) throw new AppError('not_found', `find ${email} failed: there is nobody`)
      if (secondFactor && person.secondFactor) await ask('DELETE', `/people/${person.id}/totp`)
      const { token } = await post(`/people/${person.id}/link`)
      return { id: person.id, token }
    },
  }
}
