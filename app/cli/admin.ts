import type { Logger } from 'pino'
import {
  AppError,
  type DeviceId,
  isAppError,
  type Principal,
  type ProfileId,
  type Role,
  type SiteId,
  type SiteScope,
  systemClock,
} from '../../model/index.ts'
import { defaultRules } from '../../rules/index.ts'
import { type Actor, openState, type SeedConfig, type State, seedState } from '../../store/state/index.ts'
import { findRunning, openDataFolder, type RunningPlatform } from '../data-folder.ts'
import { stateConfigOf } from '../state.ts'
import { postToRunning } from './ask.ts'

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
/** The token is shown this once. */
export interface Made {
  readonly id: string
  readonly token: string
}

/** What the command line does to a platform, whether one runs on the data folder or not. */
export interface Admin {
  addDevice(device: NewDevice): Promise<Made>
  createKey(key: NewKey): Promise<Made>
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
  }
}

/** A new device or key, or a problem. */
interface Answer {
  readonly id: string
  readonly token?: string
  readonly key?: string
  readonly title?: string
  readonly detail?: string
  readonly errors?: readonly { readonly field: string; readonly message: string }[]
}

function overHttp(running: RunningPlatform): Admin {
  async function post(path: string, body: unknown): Promise<Made> {
    const { status, text: json } = await postToRunning(running, path, body)
    const answer = JSON.parse(json) as Answer
    if (status < 300) return { id: answer.id, token: answer.token ?? answer.key ?? '' }
    if (status === 401)
      throw new AppError(
        'unauthenticated',
        'the key "command line" was revoked; a restart of the platform makes another',
      )
    const text = answer.detail ?? answer.title ?? `status ${status}`
    throw new AppError('invalid_input', text, { fields: answer.errors ?? [] })
  }
  return {
    addDevice: (device) => post('/devices', device),
    createKey: (newKey) => post('/keys', newKey),
  }
}
