import { createHmac, createSign, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort } from '../../app/demo/free-port.ts'
import { type Harness, startApi } from './harness.ts'

/** A provider that says whatever a test wants it to say. */
interface Forger extends AsyncDisposable {
  readonly issuer: string
  /** Answers of its endpoints by path; a URL is a redirect. */
  readonly answers: Map<string, unknown>
}

async function startForger(): Promise<Forger> {
  const answers = new Map<string, unknown>()
  const server = createServer((request, response) => {
    const answer = answers.get((request.url ?? '').split('?', 1)[0] ?? '')
    const status = answer === undefined ? 404 : answer instanceof URL ? 302 : 200
    const location = answer instanceof URL ? { location: answer.href } : {}
    response.writeHead(status, { 'content-type': 'application/json', ...location })
    response.end(JSON.stringify(answer ?? {}))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const issuer = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  return {
    issuer,
    answers,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
    },
  }
}

const client = { id: 'pelbiot', secret: 'a secret of some length' }
const own = generateKeyPairSync('rsa', { modulusLength: 2048 })
const other = generateKeyPairSync('rsa', { modulusLength: 2048 })
const email = 'ani@example.com'

function discovery(at: string, issuer = at) {
  return {
    issuer,
    authorization_endpoint: `${at}/authorize`,
    token_endpoint: `${at}/token`,
    userinfo_endpoint: `${at}/me`,
    jwks_uri: `${at}/jwks`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    scopes_supported: ['openid', 'email', 'profile'],
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
  }
}

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

function signed(claims: object, key: KeyObject = own.privateKey): string {
  const text = `${encode({ alg: 'RS256', typ: 'JWT', kid: 'one' })}.${encode(claims)}`
  return `${text}.${createSign('sha256').update(text).sign(key, 'base64url')}`
}

let starts = 0
let forger: Forger
let api: Harness
beforeAll(async () => {
  forger = await startForger()
  const { issuer } = forger
  forger.answers.set('/.well-known/openid-configuration', discovery(issuer))
  forger.answers.set('/jwks', {
    keys: [{ ...own.publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'RS256', use: 'sig' }],
  })
  forger.answers.set('/me', { sub: 'ani', email, email_verified: true, name: 'Ani' })
  api = await start(issuer)
})
afterAll(async () => {
  await api.stop()
  await forger[Symbol.asyncDispose]()
})

async function start(issuer: string): Promise<Harness> {
  // Another one each time, for connections to the one before may be kept.
  const port = await freePort(18_080 + ((process.pid * 7) % 10_000) + 10 * starts++, '127.0.0.1')
  const publicUrl = `http://127.0.0.1:${port}`
  const oidc = { issuer, clientId: client.id, clientSecret: client.secret, name: 'Forger' }
  const started = await startApi({ port, publicUrl, signInPerMin: 0, oidc })
  await started.addPerson({ email })
  return started
}

interface Asked {
  readonly state: string
  readonly nonce: string
  readonly cookie: string
}

async function begin(at: Harness = api): Promise<Asked> {
  const response = await fetch(`${at.url}/api/v1/auth/oidc/start`, { redirect: 'manual' })
  const to = new URL(response.headers.get('location') ?? '', at.url)
  const { searchParams } = to
  const cookie = response.headers
    .getSetCookie()
    .map((one) => one.split(';', 1)[0])
    .join('; ')
  return { state: searchParams.get('state') ?? '', nonce: searchParams.get('nonce') ?? '', cookie }
}

/** Who comes back with a token: whether they have a session now. */
async function comeBack(token: (asked: Asked) => string | undefined): Promise<boolean> {
  const asked = await begin()
  const idToken = token(asked)
  const tokens = { access_token: 'opaque', token_type: 'Bearer', expires_in: 300 }
  forger.answers.set('/token', idToken === undefined ? tokens : { ...tokens, id_token: idToken })
  const query = new URLSearchParams({ code: 'a-code', state: asked.state })
  const response = await fetch(`${api.url}/api/v1/auth/oidc/callback?${query}`, {
    redirect: 'manual',
    headers: { cookie: asked.cookie },
  })
  expect(response.status).toBe(302)
  return response.headers.getSetCookie().some((one) => /session_token=[^;]/.test(one))
}

const claims = ({ nonce }: Asked) => {
  const nowS = Math.floor(Date.now() / 1000)
  const times = { iat: nowS, exp: nowS + 300 }
  return { iss: forger.issuer, aud: client.id, sub: 'ani', email, email_verified: true, nonce, ...times }
}

test('a question has a nonce, a state and a challenge of its own', async () => {
  const response = await fetch(`${api.url}/api/v1/auth/oidc/start`, { redirect: 'manual' })
  const { searchParams } = new URL(response.headers.get('location') ?? '')
  expect(Object.fromEntries(searchParams)).toMatchObject({
    response_type: 'code',
    client_id: client.id,
    code_challenge_method: 'S256',
    code_challenge: expect.stringMatching(/^[\w-]{43}$/),
    state: expect.stringMatching(/^.{20,}$/),
    nonce: expect.stringMatching(/^.{20,}$/),
  })
  expect((await begin()).nonce).not.toBe(searchParams.get('nonce'))
})

test('a token as it should be lets its person in', async () => {
  expect(await comeBack((asked) => signed(claims(asked)))).toBe(true)
})

const forged: readonly (readonly [string, (asked: Asked) => string | undefined])[] = [
  ['without a signature', (asked) => `${encode({ alg: 'none' })}.${encode(claims(asked))}.`],
  ['whose signature was cut off', (asked) => `${signed(claims(asked)).split('.').slice(0, 2).join('.')}.`],
  ['signed by another key', (asked) => signed(claims(asked), other.privateKey)],
  [
    'signed with what is no secret of the provider',
    (asked) => {
      const text = `${encode({ alg: 'HS256', kid: 'one' })}.${encode(claims(asked))}`
      const pem = own.publicKey.export({ format: 'pem', type: 'spki' })
      return `${text}.${createHmac('sha256', pem).update(text).digest('base64url')}`
    },
  ],
  [
    'that brings its own key',
    (asked) => {
      const jwk = other.publicKey.export({ format: 'jwk' })
      const text = `${encode({ alg: 'RS256', jwk })}.${encode(claims(asked))}`
      return `${text}.${createSign('sha256').update(text).sign(other.privateKey, 'base64url')}`
    },
  ],
  [
    'whose text was changed',
    (asked) => signed(claims(asked)).replace(/\.[^.]+\./, `.${encode({ ...claims(asked), sub: 'budi' })}.`),
  ],
  ['for somebody else', (asked) => signed({ ...claims(asked), aud: 'another-client' })],
  ['of another issuer', (asked) => signed({ ...claims(asked), iss: 'https://elsewhere.example' })],
  ['to another question', (asked) => signed({ ...claims(asked), nonce: 'another' })],
  ['to no question', (asked) => signed({ ...claims(asked), nonce: undefined })],
  ['that has expired', (asked) => signed({ ...claims(asked), exp: Math.floor(Date.now() / 1000) - 600 })],
  ['that is for later', (asked) => signed({ ...claims(asked), nbf: Math.floor(Date.now() / 1000) + 600 })],
  ['that is none', () => 'nonsense'],
  ['that is not there', () => undefined],
]
test.each(forged)('a token %s lets nobody in', async (_, token) => {
  expect(await comeBack(token)).toBe(false)
})

test('a provider that calls itself another is not asked', async () => {
  await using impostor = await startForger()
  impostor.answers.set('/.well-known/openid-configuration', discovery(impostor.issuer, 'https://elsewhere.example'))
  const at = await start(impostor.issuer)
  try {
    const response = await fetch(`${at.url}/api/v1/auth/oidc/start`, { redirect: 'manual' })
    expect(response.headers.get('location') ?? '').not.toContain(impostor.issuer)
    expect(response.headers.getSetCookie().filter((one) => one.includes('session_token='))).toEqual([])
  } finally {
    await at.stop()
  }
})

test('a provider that sends us to another host is not followed there', async () => {
  await using elsewhere = await startForger()
  await using redirecting = await startForger()
  const path = '/.well-known/openid-configuration'
  elsewhere.answers.set(path, discovery(elsewhere.issuer, redirecting.issuer))
  redirecting.answers.set(path, new URL(path, elsewhere.issuer))
  const at = await start(redirecting.issuer)
  try {
    const response = await fetch(`${at.url}/api/v1/auth/oidc/start`, { redirect: 'manual' })
    expect(response.headers.get('location') ?? '').not.toContain(elsewhere.issuer)
  } finally {
    await at.stop()
  }
})
