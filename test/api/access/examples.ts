import { startMs } from '../harness.ts'
import { type Ids, ruleOf } from './world.ts'

export interface Call {
  /** With its query, behind `/api/v1` or whole. */
  readonly path: string
  readonly body?: unknown
}

/** How an operation is called so that it does what it is for, and what a caller meets who may not see the site. */
export interface Example {
  /** Of the answer to a caller who may. */
  readonly status: number
  /**
   * To a caller who is limited to other sites: `hidden` a 404 and `refused` a 422 as if the thing did not exist, `empty` the
   * answer of a list in which nothing is found, `shared` the same as for everybody, because it is of no site. An operation whose
   * policy closes it to limited callers needs none.
   */
  readonly elsewhere?: 'hidden' | 'refused' | 'empty' | 'shared'
  readonly call: (ids: Ids) => Call
  /** Done by an admin first, so that there is something to do. */
  readonly first?: readonly [method: string, call: (ids: Ids) => Call]
  /** To a key of an admin that is narrowed to the scope, where that is not the same. */
  readonly narrowed?: number
  /** It never ends: only its head is looked at. */
  readonly endless?: boolean
  /** It ends the session that it is called with. */
  readonly endsSession?: boolean
}

const hidden = (status: number, call: Example['call']): Example => ({ status, elsewhere: 'hidden', call })
const refused = (status: number, call: Example['call']): Example => ({ status, elsewhere: 'refused', call })
const empty = (call: Example['call']): Example => ({ status: 200, elsewhere: 'empty', call })
const shared = (path: string | ((ids: Ids) => string)): Example => ({
  status: 200,
  elsewhere: 'shared',
  call: (ids) => ({ path: typeof path === 'string' ? path : path(ids) }),
})
const closed = (status: number, call: Example['call']): Example => ({ status, call })

const anybody = (status: number, path: string, body: unknown): Example => ({
  status,
  elsewhere: 'shared',
  call: () => ({ path, body }),
})
const fingerprint = 'ab'.repeat(32)
const unknownToken = 'a'.repeat(43)
const person = (rest: string, body?: unknown) => (ids: Ids) => ({ path: `/people/${ids.person}${rest}`, body })
const device = (rest: string, body?: unknown) => (ids: Ids) => ({ path: `/devices/${ids.device}${rest}`, body })
const alert = (rest: string, body?: unknown) => (ids: Ids) => ({ path: `/alerts/${ids.alert}${rest}`, body })
const notification = (rest: string) => (ids: Ids) => ({ path: `/notifications/${ids.notification}${rest}` })
const rule = (rest: string, body?: unknown) => (ids: Ids) => ({ path: `/rules/${ids.rule}${rest}`, body })
const site = (body?: unknown) => (ids: Ids) => ({ path: `/sites/${ids.site}`, body })
const asset = (body?: unknown) => (ids: Ids) => ({ path: `/assets/${ids.asset}`, body })

/** Every operation there is; the test names those that are missing here. */
export const examples: Readonly<Record<string, Example>> = {
  'GET /api/v1/devices/{id}/readings': hidden(200, device('/readings?metric=voltage')),
  'GET /api/v1/readings': hidden(200, ({ device }) => ({
    path: `/readings?series=${device}/voltage&from=${startMs - 60_000}&maxPoints=100`,
  })),
  'GET /api/v1/sites/{id}/latest': hidden(200, ({ site }) => ({ path: `/sites/${site}/latest?limit=20` })),
  'GET /api/v1/devices/{id}/latest': hidden(200, device('/latest')),
  'GET /api/v1/devices/{id}/series': hidden(200, device('/series')),
  'POST /api/v1/devices/{id}/telemetry': hidden(204, device('/telemetry', { voltage: 229.8 })),
  'GET /api/v1/devices': empty(({ site }) => ({ path: `/devices?siteId=${site}&limit=20` })),
  'POST /api/v1/devices': refused(201, ({ fresh, site }) => ({
    path: '/devices',
    body: { id: fresh, siteId: site, profileId: 'meter-1ph' },
  })),
  'GET /api/v1/devices/{id}': hidden(200, device('')),
  'PATCH /api/v1/devices/{id}': hidden(200, device('', { tags: ['x'] })),
  'DELETE /api/v1/devices/{id}': hidden(204, device('')),
  'GET /api/v1/devices/{id}/tokens': hidden(200, device('/tokens')),
  'POST /api/v1/devices/{id}/tokens': hidden(201, device('/tokens')),
  'POST /api/v1/devices/{id}/tokens/rotate': hidden(201, device('/tokens/rotate', {})),
  'DELETE /api/v1/devices/{id}/tokens/{tokenId}': hidden(204, ({ device, token }) => ({
    path: `/devices/${device}/tokens/${token}`,
  })),
  'GET /api/v1/devices/{id}/connections': hidden(200, device('/connections')),
  'DELETE /api/v1/devices/{id}/connections/{connectionId}': hidden(204, (ids) => ({
    path: `/devices/${ids.device}/connections/${ids.connection}`,
  })),
  'POST /api/v1/devices/{id}/quarantine': hidden(200, device('/quarantine', { reason: 'It floods.' })),
  'DELETE /api/v1/devices/{id}/quarantine': {
    ...hidden(204, device('/quarantine')),
    first: ['POST', device('/quarantine', { reason: 'It floods.' })],
  },
  'GET /api/v1/devices/{id}/revoked-certificates': hidden(200, device('/revoked-certificates')),
  'POST /api/v1/devices/{id}/revoked-certificates': hidden(201, device('/revoked-certificates', { fingerprint })),
  'DELETE /api/v1/devices/{id}/revoked-certificates/{fingerprint}': {
    ...hidden(204, device(`/revoked-certificates/${fingerprint}`)),
    first: ['POST', device('/revoked-certificates', { fingerprint })],
  },
  'GET /api/v1/devices/{id}/messages': hidden(200, device('/messages')),
  'GET /api/v1/devices/{id}/messages/live': { ...hidden(200, device('/messages/live')), endless: true },
  'GET /api/v1/live': { ...empty(({ site }) => ({ path: `/live?site=${site}` })), endless: true },
  'GET /api/v1/rejected': empty(({ device }) => ({ path: `/rejected?device=${device}` })),

  'GET /api/v1/rules': empty(({ device }) => ({ path: `/rules?deviceId=${device}` })),
  'POST /api/v1/rules': refused(201, ({ fresh, device }) => ({
    path: '/rules',
    body: { ...ruleOf('R'), id: fresh, appliesTo: { device } },
  })),
  'GET /api/v1/rules/{id}': hidden(200, rule('')),
  'PATCH /api/v1/rules/{id}': hidden(200, rule('', { forMs: 7 })),
  'DELETE /api/v1/rules/{id}': hidden(204, rule('')),
  'GET /api/v1/rules/{id}/versions': hidden(200, rule('/versions')),
  'POST /api/v1/rules/{id}/restore': hidden(200, rule('/restore', { version: 1 })),

  'GET /api/v1/alerts': empty(({ site }) => ({ path: `/alerts?siteId=${site}&limit=20` })),
  'GET /api/v1/alerts/{id}': hidden(200, alert('')),
  'GET /api/v1/alerts/{id}/timeline': hidden(200, alert('/timeline')),
  'POST /api/v1/alerts/{id}/acknowledge': hidden(200, alert('/acknowledge')),
  'POST /api/v1/alerts/{id}/comments': hidden(204, alert('/comments', { text: 'Seen.' })),
  // The rules of this world do not run, so the order stays on its way.
  'POST /api/v1/alerts/{id}/resolve': hidden(202, alert('/resolve', {})),
  'GET /api/v1/notifications': empty(({ alert }) => ({ path: `/notifications?alertId=${alert}` })),
  'GET /api/v1/notifications/{id}': hidden(200, notification('')),
  'GET /api/v1/notifications/{id}/attempts': hidden(200, notification('/attempts')),
  'GET /api/v1/notifications/{id}/message': hidden(200, notification('/message')),
  'POST /api/v1/notifications/{id}/resend': hidden(200, notification('/resend')),

  'GET /api/v1/sites': shared('/sites'),
  'POST /api/v1/sites': closed(201, ({ fresh }) => ({
    path: '/sites',
    body: { id: fresh, name: 'New', timeZone: 'UTC', currency: 'EUR' },
  })),
  'GET /api/v1/sites/{id}': hidden(200, site()),
  'PATCH /api/v1/sites/{id}': hidden(200, site({ timeZone: 'Asia/Jakarta' })),
  // Nothing may be in it when it goes.
  'DELETE /api/v1/sites/{id}': closed(409, site()),
  'GET /api/v1/assets': empty(({ site }) => ({ path: `/assets?siteId=${site}&limit=20` })),
  'POST /api/v1/assets': refused(201, ({ fresh, site }) => ({
    path: '/assets',
    body: { id: fresh, siteId: site, kind: 'panel', name: 'New' },
  })),
  'GET /api/v1/assets/{id}': hidden(200, asset()),
  'PATCH /api/v1/assets/{id}': hidden(200, asset({ ratingA: 7 })),
  'DELETE /api/v1/assets/{id}': hidden(409, asset()),

  'GET /api/v1/profiles': shared('/profiles?limit=20'),
  'POST /api/v1/profiles': closed(201, ({ fresh }) => ({
    path: '/profiles',
    body: { id: fresh, name: 'New', reportingIntervalMs: 1_000, metrics: [] },
  })),
  'GET /api/v1/profiles/{id}': shared(({ profile }) => `/profiles/${profile}`),
  'PATCH /api/v1/profiles/{id}': closed(200, ({ profile }) => ({ path: `/profiles/${profile}`, body: { name: 'X' } })),
  'DELETE /api/v1/profiles/{id}': closed(204, ({ profile }) => ({ path: `/profiles/${profile}` })),

  'GET /api/v1/keys': closed(200, () => ({ path: '/keys?limit=20' })),
  'POST /api/v1/keys': closed(201, ({ site }) => ({
    path: '/keys',
    body: { name: 'New', role: 'viewer', sites: [site], scopes: ['sites:read'] },
  })),
  'POST /api/v1/keys/{id}/rotate': closed(201, ({ key }) => ({ path: `/keys/${key}/rotate`, body: {} })),
  'DELETE /api/v1/keys/{id}': closed(204, ({ key }) => ({ path: `/keys/${key}` })),

  'GET /api/v1/people': closed(200, () => ({ path: '/people?limit=20' })),
  'POST /api/v1/people': {
    ...closed(201, ({ fresh }) => ({
      path: '/people',
      body: { name: 'New', email: `${fresh}@example.org`, role: 'viewer' },
    })),
    narrowed: 403,
  },
  'GET /api/v1/people/{id}': closed(200, person('')),
  'PATCH /api/v1/people/{id}': { ...closed(200, person('', { name: 'Other' })), narrowed: 403 },
  'DELETE /api/v1/people/{id}': { ...closed(204, person('')), narrowed: 403 },
  'DELETE /api/v1/people/{id}/sessions': closed(204, person('/sessions')),
  // It has none; to enable one takes more than a call.
  'DELETE /api/v1/people/{id}/totp': { ...closed(409, person('/totp')), narrowed: 403 },
  // For the key of the command line alone.
  'POST /api/v1/people/{id}/link': closed(403, person('/link')),
  'POST /api/v1/people/{id}/invitation': closed(202, person('/invitation')),
  'POST /api/v1/auth/sign-in': anybody(401, '/auth/sign-in', { email: 'nobody@example.org', password: 'wrong guess' }),
  'POST /api/v1/auth/sign-in/code': anybody(401, '/auth/sign-in/code', { code: '123456' }),
  'POST /api/v1/auth/link': anybody(422, '/auth/link', { token: unknownToken }),
  'POST /api/v1/auth/link/password': anybody(422, '/auth/link/password', {
    token: unknownToken,
    password: 'correct horse battery staple',
  }),
  'POST /api/v1/auth/password-reset': anybody(202, '/auth/password-reset', { email: 'nobody@example.org' }),
  'POST /api/v1/auth/set-up': anybody(422, '/auth/set-up', {
    token: unknownToken,
    name: 'First',
    email: 'first@example.org',
    password: 'correct horse battery staple',
  }),
  'POST /api/v1/auth/sign-out': { ...closed(204, () => ({ path: '/auth/sign-out' })), endsSession: true },
  // What it takes to succeed is the tests' of signing in: here it matters who comes as far as being asked for the password.
  'POST /api/v1/auth/password': closed(422, () => ({
    path: '/auth/password',
    body: { currentPassword: 'wrong guess', password: 'correct horse battery staple' },
  })),
  'POST /api/v1/auth/totp': closed(422, () => ({ path: '/auth/totp', body: { password: 'wrong guess' } })),
  'POST /api/v1/auth/totp/confirm': closed(409, () => ({ path: '/auth/totp/confirm', body: { code: '123456' } })),
  'POST /api/v1/auth/totp/disable': closed(422, () => ({
    path: '/auth/totp/disable',
    body: { password: 'wrong guess' },
  })),
  'POST /api/v1/auth/totp/recovery-codes': closed(409, () => ({
    path: '/auth/totp/recovery-codes',
    body: { password: 'wrong guess' },
  })),
  'GET /api/v1/auth/sessions': closed(200, () => ({ path: '/auth/sessions' })),
  'DELETE /api/v1/auth/sessions': closed(204, () => ({ path: '/auth/sessions' })),
  'DELETE /api/v1/auth/sessions/{id}': closed(404, () => ({ path: '/auth/sessions/nothing' })),
  'GET /api/v1/auth/methods': shared('/auth/methods'),
  // The platform of these tests has no provider.
  'GET /api/v1/auth/oidc/start': { ...shared('/auth/oidc/start'), status: 404 },
  'GET /api/v1/auth/oidc/callback': { ...shared('/auth/oidc/callback'), status: 404 },
  'GET /api/v1/auth/session': closed(200, () => ({ path: '/auth/session' })),

  'GET /api/v1/audit': empty(({ device }) => ({ path: `/audit?resourceId=${device}` })),
  'GET /api/v1/audit/verify': closed(200, () => ({ path: '/audit/verify' })),
  'GET /api/v1/status': shared('/status'),
  'GET /api/v1/service-levels': shared('/service-levels'),
}

/** Pages and their files, and what monitoring asks, are for everybody and take nothing: they need no line of their own. */
export function exampleOf(id: string): Example | undefined {
  const [method, path = ''] = id.split(' ')
  const isPage = method === 'GET' && !path.startsWith('/api/') && !path.includes('{')
  return examples[id] ?? (isPage ? shared(path) : undefined)
}
