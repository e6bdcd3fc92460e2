import type { BrokerAccess, MqttIdentity } from '../broker/index.ts'
import type { Clock, DeviceId, DeviceLimits, SiteId } from '../model/index.ts'
import { certificateSecretId, controlTopic, type DeviceRecord, isDeviceId, parseDeviceId } from '../model/index.ts'
import { isRandomToken, type State, type VerifiedCredential } from '../store/state/index.ts'

/** What the broker knows of a device on the way of every message. */
interface Entry {
  readonly siteId: SiteId
  readonly gatewayId: DeviceId | null
  readonly limits: DeviceLimits
  readonly isQuarantined: boolean
}

/** The broker's view of state: devices from memory, kept by the control frames that pass; credentials by a point read. */
export interface Access extends BrokerAccess {
  /** Reads every device; once, before the broker listens. */
  load(): Promise<void>
  /** A control frame that is about to be appended. */
  apply(topic: string, payload: Uint8Array): void
}

const devicePrefix = controlTopic.device('' as DeviceId)
const pageSize = 1_000

/** `onUse` hears of each secret that was good for something. */
export function createAccess(state: State, onUse: (secretId: string) => void, { now }: Clock): Access {
  const devices = new Map<DeviceId, Entry>()

  function put({ id, siteId, gatewayId, limits, quarantine }: DeviceRecord): void {
    devices.set(id, { siteId, gatewayId, limits, isQuarantined: quarantine !== undefined })
  }

  async function identityOf(credential: VerifiedCredential, username: string): Promise<MqttIdentity | undefined> {
    const { secretId, goodUntilMs } = credential
    const proof = { secretId, expiresMs: goodUntilMs ?? undefined }
    if (credential.kind === 'api-key') {
      const { id: keyId, sites, scopes } = credential
      const mayRead = scopes.length === 0 || scopes.includes('readings:read')
      return mayRead && username === `key:${keyId}` ? { kind: 'key', keyId, sites, ...proof } : undefined
    }
    const { deviceId } = credential
    // State knows a device a moment before its control frame has passed here.
    const limits = devices.get(deviceId)?.limits ?? (await state.devices.get(deviceId))?.limits
    return username === deviceId && limits !== undefined ? { kind: 'device', deviceId, limits, ...proof } : undefined
  }

  return {
    async load() {
      let after: string | undefined
      do {
        const page = await state.devices.list({ scope: 'all', limit: pageSize, after })
        page.items.forEach(put)
        after = page.next ?? undefined
      } while (after !== undefined)
    },
    apply(topic, payload) {
      if (!topic.startsWith(devicePrefix)) return
      const id = parseDeviceId(topic.slice(devicePrefix.length))
      if (payload.length === 0) devices.delete(id)
      else put(JSON.parse(Buffer.from(payload).toString()) as DeviceRecord)
    },
    async identify({ username, password }) {
      // A key of somebody's own choice could be guessed.
      if (!isRandomToken(password)) return undefined
      const credential = await state.credentials.verify(password)
      if (credential === undefined) return undefined
      const identity = await identityOf(credential, username)
      if (identity !== undefined) onUse(credential.secretId)
      return identity
    },
    async identifyCertificate({ commonName, username = commonName, fingerprint, validToMs }) {
      if (username !== commonName || !isDeviceId(commonName)) return undefined
      const limits = devices.get(commonName)?.limits
      if (limits === undefined || validToMs <= now()) return undefined
      if (await state.credentials.isCertificateRevoked(commonName, fingerprint)) return undefined
      const secretId = certificateSecretId(fingerprint)
      return { kind: 'device', deviceId: commonName, limits, secretId, expiresMs: validToMs }
    },
    isGatewayOf: (gateway, device) => devices.get(device)?.gatewayId === gateway,
    siteOf: (device) => devices.get(device)?.siteId,
    isQuarantined: (device) => devices.get(device)?.isQuarantined ?? false,
  }
}
