import type {
  AssetId,
  Attributes,
  DeviceId,
  DeviceRecord,
  KeyId,
  Language,
  Principal,
  ProfileRecord,
  Role,
  SiteId,
  SiteRecord,
  SiteScope,
} from '../../model/index.ts'

/** What state keeps beside the records of control frames (model/records.ts). Times are epoch ms. */

export const assetKinds = ['transformer', 'panel', 'load', 'weather-station', 'group'] as const
export type AssetKind = (typeof assetKinds)[number]

export interface AssetRecord {
  readonly id: AssetId
  /** Never changes: an asset is moved within its site only. */
  readonly siteId: SiteId
  /** Null: at the top of the site's tree. */
  readonly parentId: AssetId | null
  readonly kind: AssetKind
  readonly name: string
  /** Nominal apparent power; null where it has none. */
  readonly ratingKva: number | null
  /** Nominal current; null where it has none. */
  readonly ratingA: number | null
  readonly attributes: Attributes
  readonly tags: readonly string[]
}

/** A password, or an account with the OpenID Connect provider. */
export const signInWays = ['password', 'provider'] as const
export type SignInWay = (typeof signInWays)[number]

export interface PersonRecord {
  readonly id: string
  readonly name: string
  /** As it was written; unique without regard to case. */
  readonly email: string
  readonly language: Language
  /** IANA time zone of the person's own times; null: the site's. */
  readonly timeZone: string | null
  readonly role: Role
  readonly sites: SiteScope
  /** Since when nobody may act as this person; null: somebody may. */
  readonly disabledMs: number | null
  readonly createdMs: number
  readonly lastSignInMs: number | null
  /** What the person can sign in with; nothing: invited, and not here yet. */
  readonly signInWays: readonly SignInWay[]
  /** Whether a code is asked for after the password. */
  readonly hasSecondFactor: boolean
}

/** What a device proves itself with. The token itself is shown once, when it is made, and never stored. */
export interface DeviceTokenRecord {
  readonly kind: 'device-token'
  readonly id: string
  readonly deviceId: DeviceId
  readonly createdMs: number
  readonly expiresMs: number | null
  readonly revokedMs: number | null
  /** When something last proved itself with it, late by a minute or so; null: never. */
  readonly lastUsedMs: number | null
}

/** What a program proves itself with; over MQTT its user name is `key:{id}`. */
export interface ApiKeyRecord {
  readonly kind: 'api-key'
  readonly id: KeyId
  readonly name: string
  readonly role: Role
  readonly sites: SiteScope
  /** Narrows what the role allows; empty: everything the role allows. */
  readonly scopes: readonly string[]
  readonly createdMs: number
  readonly expiresMs: number | null
  readonly revokedMs: number | null
}

/** One of the secrets of a key: its present one, or during a rotation the one before, which then has an end. */
export interface KeySecretRecord {
  readonly id: string
  readonly createdMs: number
  readonly expiresMs: number | null
  readonly lastUsedMs: number | null
}

export interface ApiKeyWithSecrets extends ApiKeyRecord {
  /** Those that are good for something, the present one first. */
  readonly secrets: readonly KeySecretRecord[]
}

export type CredentialRecord = DeviceTokenRecord | ApiKeyRecord

/** A credential that a token has just proved, and by which of its secrets. */
export type VerifiedCredential = CredentialRecord & {
  readonly secretId: string
  /** The end of the secret or of the credential, whichever is sooner; null: neither ends. */
  readonly goodUntilMs: number | null
}

/** A client certificate that is good for nothing, whoever has signed it. */
export interface RevokedCertificate {
  readonly fingerprint: string
  readonly revokedMs: number
}

/** That a secret was good for something. */
export interface SecretUse {
  readonly secretId: string
  readonly usedMs: number
}

/** A credential just made: the only time that its token is known. */
export interface Issued<Record extends CredentialRecord> {
  readonly record: Record
  readonly token: string
}

/** Who changes something, and by which request. */
export interface Actor {
  readonly principal: Principal
  /** Null where no request is behind it: the first start, the command line. */
  readonly requestId: string | null
  readonly address: string | null
}

/** A control frame that is committed but perhaps not in the log yet. */
export interface PendingControl {
  readonly id: number
  readonly topic: string
  /** JSON of the record; empty: it is gone. */
  readonly payload: Uint8Array
}

/** One row of the rejected list. */
export interface RejectedRow {
  readonly timeMs: number
  readonly deviceId: DeviceId | null
  readonly clientId: string
  readonly topic: string
  readonly reason: string
  readonly detail: string
  readonly payload: Uint8Array
}

export interface RejectedRecord extends RejectedRow {
  readonly id: number
  /** The device's site when it was rejected. */
  readonly siteId: SiteId | null
}

/** Undefined in a patch means unchanged. */
export type Patch<Record> = { readonly [Field in keyof Record]?: Record[Field] | undefined }

export type SiteInput = SiteRecord
export type SitePatch = Patch<Omit<SiteRecord, 'id'>>
export type ProfileInput = ProfileRecord
export type ProfilePatch = Patch<Omit<ProfileRecord, 'id'>>
export type AssetInput = AssetRecord
export type AssetPatch = Patch<Omit<AssetRecord, 'id' | 'siteId'>>
export type DeviceInput = Omit<DeviceRecord, 'number' | 'quarantine'>
export type DevicePatch = Patch<Omit<DeviceInput, 'id'>>
export type PersonInput = Pick<PersonRecord, 'name' | 'email' | 'language' | 'timeZone' | 'role' | 'sites'>
export type PersonPatch = Patch<PersonInput & { readonly disabled: boolean }>
export type ApiKeyInput = Pick<ApiKeyRecord, 'name' | 'role' | 'sites' | 'scopes' | 'expiresMs'>
