import { z } from 'zod'
import { forwardedHeaders } from './client-address.ts'
import { isOrigin } from './cross-origin.ts'
import { isAddressRange } from './ip-address.ts'

function commaSeparated(isOne: (text: string) => boolean, what: string) {
  return z.string().transform((text, context): readonly string[] => {
    const parts = text.split(',').flatMap((part) => part.trim() || [])
    const wrong = parts.find((part) => !isOne(part))
    if (wrong !== undefined) context.addIssue(`${JSON.stringify(wrong)} is not ${what}`)
    return [...new Set(parts)]
  })
}

const port = z.int().min(0).max(65_535).optional()

const perMin = (fallback: number) => z.int().min(0).max(10_000_000).default(fallback)

/** What tells nothing of anybody, and yet need not be everybody's. */
const openPages = ['docs', 'metrics'] as const
export type OpenPage = (typeof openPages)[number]

export const apiConfigSchema = z.strictObject({
  host: z.string().min(1).default('127.0.0.1').describe('Address to listen on; 0.0.0.0 for every interface'),
  port: port.describe('Plain HTTP; 0 picks a free port, absent is off'),
  tlsPort: port.describe('HTTPS; 0 picks a free port, absent is off; needs a certificate'),
  maxBodyBytes: z
    .int()
    .min(1024)
    .max(64 * 1024 * 1024)
    .default(1024 * 1024)
    .describe('Largest request body in bytes, of one without a key or a session 16 KiB; a larger one is answered 413'),
  maxConnections: z
    .int()
    .min(1)
    .max(100_000)
    .default(1024)
    .describe('Open connections of HTTP, and of HTTPS; one more is closed at once'),
  maxConnectionsPerAddress: z
    .int()
    .min(0)
    .max(100_000)
    .default(256)
    .describe(
      'Open connections of one address (of one /64 of IPv6) but a trusted proxy; one more is closed at once; 0 is any number',
    ),
  principalPerMin: perMin(30_000).describe(
    'Requests a minute of one API key or person; one more is answered 429; 0 is any number',
  ),
  addressPerMin: perMin(3_000).describe(
    'Requests a minute of one address (of one /64 of IPv6) without a valid key or session; 0 is any number',
  ),
  signInPerMin: perMin(60).describe('Attempts a minute of one address to sign in or the like; 0 is any number'),
  headersTimeoutMs: z.int().min(100).max(300_000).default(10_000).describe('Time for a request to send its headers'),
  requestTimeoutMs: z.int().min(100).max(600_000).default(30_000).describe('Time for a request to arrive whole'),
  answerTimeoutMs: z
    .int()
    .min(10)
    .max(600_000)
    .default(30_000)
    .describe('Time an answer may take; then it is 503, and what the request asked for may still happen'),
  livePollMs: z
    .int()
    .min(1)
    .max(10_000)
    .default(250)
    .describe('How often live streams look for news; of each series they tell the newest reading so often at most'),
  liveStreams: z
    .int()
    .min(1)
    .max(50_000)
    .default(500)
    .describe('Live streams open at once; one more is answered 503. Each takes one of the open connections'),
  liveStreamsPerPrincipal: z
    .int()
    .min(1)
    .max(50_000)
    .default(16)
    .describe('Live streams of one API key or person at once; one more is answered 429'),
  liveHeartbeatMs: z
    .int()
    .min(10)
    .max(25_000)
    .default(10_000)
    .describe('How often a live stream says that it is there, and looks whether its client may still see it'),
  livePatienceMs: z
    .int()
    .min(10)
    .max(600_000)
    .default(10_000)
    .describe('A client of a live stream that takes nothing for so long loses its connection'),
  keepAliveTimeoutMs: z
    .int()
    .min(0)
    .max(600_000)
    .default(75_000)
    .describe(
      'Time an idle connection stays open; longer than a proxy in front keeps it, or its requests meet a closed one',
    ),
  stopTimeoutMs: z
    .int()
    .min(0)
    .max(60_000)
    .default(5_000)
    .describe('Time that running requests get at a stop; then their connections are cut and counted in the log'),
  peerTimeoutMs: z
    .int()
    .min(10)
    .max(60_000)
    .default(2_000)
    .describe(
      'Time that /readyz, /status, /metrics and the resolving of an alert wait for another part of the platform',
    ),
  trustedProxies: commaSeparated(isAddressRange, 'an address or a range such as 10.0.0.0/8')
    .prefault('')
    .describe(
      'Reverse proxies that are believed whom they speak for, as addresses or ranges (10.0.0.0/8), comma-separated',
    ),
  forwardedHeader: z
    .enum(forwardedHeaders)
    .default('x-forwarded-for')
    .describe(
      'Header in which HTTP_TRUSTED_PROXIES name the client: `x-forwarded-for` (with X-Forwarded-Proto) or `forwarded`',
    ),
  corsOrigins: commaSeparated(isOrigin, 'an origin such as https://app.example.com')
    .prefault('')
    .describe(
      'Origins whose pages may use the API, and MQTT over WebSocket, from a browser, comma-separated; none but its own by default',
    ),
  publicUrl: z.url().optional().describe('Address at which people reach this platform'),
  oidc: z
    .strictObject({ issuer: z.string(), clientId: z.string(), clientSecret: z.string(), name: z.string() })
    .optional()
    .describe('OpenID Connect provider by which people who are here already may sign in'),
  anonymous: commaSeparated(
    (text) => text === 'none' || openPages.some((page) => page === text),
    'docs, metrics or none',
  )
    .transform((parts) => openPages.filter((page) => parts.includes(page)))
    .prefault('docs,metrics')
    .describe(
      'What can be read without a key or a session, of `docs` (with /openapi.json) and `metrics`, comma-separated; `none`: nothing, and Prometheus sends a key',
    ),
  secondFactor: z
    .enum(['optional', 'admins', 'everyone'])
    .default('optional')
    .describe(
      'Of whom a second factor is demanded, where they have a password: until they have enabled one they may do nothing else',
    ),
  sessionDays: z
    .int()
    .min(1)
    .max(365)
    .default(7)
    .describe(
      'Days that somebody who wants to stay signed in does so without coming back; else a day, or until the browser closes',
    ),
})

export type ApiConfig = z.output<typeof apiConfigSchema>
/** What the schema takes. */
export type ApiSettings = z.input<typeof apiConfigSchema>
