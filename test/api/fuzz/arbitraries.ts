import fc from 'fast-check'
import type { Ids } from '../access/world.ts'
import { startMs } from '../harness.ts'

type Schema = Readonly<Record<string, unknown>>

/** Values that are right somewhere, nearly right, or right nowhere. */
export const word: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom('voltage', 'meter-1ph', '1h', '1mo', 'avg', 'asc', 'true', 'viewer', 'all', 'Asia/Jakarta', 'EUR'),
  fc.constantFrom('', '0', '1', '-1', '1e9', '99999999999999999999', 'NaN', '2026-11-23T10:00:00Z', String(startMs)),
  fc.constantFrom('null', '%', '%00', '../..', '__proto__', 'constructor', "' or 1=1 --", '\u202e', '\ud800', '𝟘'),
  fc.string({ unit: 'binary', maxLength: 80 }),
)

export const value: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    word,
    fc.integer(),
    fc.constantFrom(Number.MAX_SAFE_INTEGER, 1e308, -1e308, 5e-324, 2 ** 53),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(
      fc.oneof(fc.constantFrom('id', 'name', 'role', 'sites', '__proto__', 'toString'), word),
      tie('value'),
      {
        maxKeys: 5,
      },
    ),
  ),
})).value

/** Members that name a thing, and which; a site's list of places is `sites`. */
const nounOf: Readonly<Record<string, keyof Ids>> = {
  siteId: 'site',
  site: 'site',
  assetId: 'asset',
  parentId: 'asset',
  deviceId: 'device',
  device: 'device',
  resourceId: 'device',
  gatewayId: 'gateway',
  profileId: 'profile',
  profile: 'profile',
  ruleId: 'rule',
  alertId: 'alert',
  principal: 'key',
  fresh: 'fresh',
}

/** Mostly what the schema asks for, each part of it now and then something else. */
export function bodyOf(schema: Schema, components: Schema, named: readonly Ids[]): fc.Arbitrary<unknown> {
  const freshId = fc
    .tuple(fc.constantFrom(...named.map(({ fresh }) => fresh)), fc.nat(1_000_000))
    .map(([fresh, n]) => `${fresh}-${n}`)
  return fc.oneof({ weight: 6, arbitrary: partOf(schema, '', 0) }, { weight: 1, arbitrary: value })

  function partOf(given: Schema, name: string, depth: number): fc.Arbitrary<unknown> {
    return fc.oneof({ weight: 8, arbitrary: rightPart(given, name, depth) }, { weight: 1, arbitrary: value })
  }

  function rightPart(given: Schema, name: string, depth: number): fc.Arbitrary<unknown> {
    const reference = given['$ref']
    const one = reference === undefined ? given : asSchema(components[String(reference).split('/').at(-1) ?? ''])
    const noun = nounOf[name]
    if (noun !== undefined && one['properties'] === undefined) return fc.constantFrom(...named.map((ids) => ids[noun]))
    if (depth > 4) return value
    const forms = (one['anyOf'] ?? one['oneOf']) as readonly Schema[] | undefined
    if (forms !== undefined) return fc.oneof(...forms.map((form) => rightPart(form, name, depth + 1)))
    if (Array.isArray(one['enum'])) return fc.constantFrom(...one['enum'])
    if (one['properties'] !== undefined) {
      const required = (one['required'] as string[] | undefined) ?? []
      const fields = Object.entries(asSchema(one['properties'])).map(
        ([field, inner]) => [field, partOf(asSchema(inner), field, depth + 1)] as const,
      )
      return fc.record(Object.fromEntries(fields), { requiredKeys: required })
    }
    if (one['items'] !== undefined) return fc.array(partOf(asSchema(one['items']), name, depth + 1), { maxLength: 3 })
    if (one['example'] !== undefined && one['type'] !== 'boolean') return fc.constant(one['example'])
    switch ([one['type']].flat()[0]) {
      case 'boolean':
        return fc.boolean()
      case 'integer':
      case 'number':
        return fc.integer({ min: Number(one['minimum'] ?? 0), max: Number(one['maximum'] ?? 100_000) })
      default:
        return name === 'id' ? freshId : word
    }
  }
}

/** A query that the operation takes, with its values right as a rule; some doubled, some of no operation. */
export function queryOf(
  parameters: readonly {
    readonly name: string
    readonly in: string
    readonly required: boolean
    readonly schema: Schema
  }[],
  named: readonly Ids[],
): fc.Arbitrary<[string, string][]> {
  const pairs = parameters
    .filter((one) => one.in === 'query')
    .map(({ name, required, schema }) => {
      const noun = nounOf[name]
      const listed = schema['enum'] as string[] | undefined
      const example = schema['example'] ?? schema['default']
      const right = noun
        ? fc.constantFrom(...named.map((ids) => ids[noun]))
        : listed
          ? fc.constantFrom(...listed)
          : word
      const values = fc.oneof(
        { weight: 6, arbitrary: example === undefined || noun ? right : fc.constant(String(example)) },
        { weight: 1, arbitrary: word },
      )
      const pair = values.map((text): [string, string] => [name, text])
      return fc.oneof(
        { weight: required ? 20 : 4, arbitrary: pair.map((one) => [one]) },
        { weight: 4, arbitrary: fc.constant([]) },
        { weight: 1, arbitrary: fc.tuple(pair, pair) },
      )
    })
  const stray = fc.oneof(
    { weight: 12, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(fc.tuple(word, word), { maxLength: 3 }) },
  )
  return fc.tuple(...pairs, stray).map((groups) => groups.flat())
}

/** What may be sent beside the rest: none of it may open, break or change anything. */
export const oddHeaders: fc.Arbitrary<Readonly<Record<string, string | readonly string[]>>> = fc.oneof(
  { weight: 8, arbitrary: fc.constant({}) },
  {
    weight: 3,
    arbitrary: fc.constantFrom<Readonly<Record<string, string | readonly string[]>>>(
      { accept: 'text/csv' },
      { accept: 'application/x-ndjson, */*;q=0.1' },
      { accept: ';;,q=,/' },
      { 'x-http-method-override': 'DELETE' },
      { 'x-original-url': '/api/v1/keys', 'x-rewrite-url': '/api/v1/keys' },
      { 'x-forwarded-for': '::1, unknown, 10.0.0.1' },
      { forwarded: 'for="[::1]";proto=https' },
      { 'x-user': 'admin', 'x-role': 'admin', 'x-principal': 'admin' },
      { authorization: ['Bearer x', 'Bearer y'] },
      { authorization: 'Basic YWRtaW46YWRtaW4=' },
      { cookie: 'a=b; ; =; pelbiot_session=x.y; __Host-pelbiot_session=%00' },
      { origin: 'null', 'sec-fetch-site': 'cross-site' },
      { 'if-none-match': '*', range: 'bytes=0-1', 'if-match': '"x"' },
      { expect: '200-maybe' },
      { 'idempotency-key': 'k' },
      { 'idempotency-key': ['k', 'l'] },
      { 'x-request-id': 'a\tb' },
      { 'content-encoding': 'gzip' },
      { connection: 'upgrade', upgrade: 'websocket' },
    ),
  },
  { weight: 1, arbitrary: word.map((text) => ({ 'x-odd': Buffer.from(text).toString('base64') })) },
)

export const contentTypes: fc.Arbitrary<string | undefined> = fc.oneof(
  { weight: 12, arbitrary: fc.constant('application/json') },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      undefined,
      'text/plain',
      'application/json; charset=utf-16',
      'application/x-www-form-urlencoded',
      'multipart/form-data',
      'application/merge-patch+json',
      ';',
    ),
  },
)

/** Other ways to write a path, of which a careless server or proxy makes another one. */
export const pathTricks: fc.Arbitrary<(path: string) => string> = fc.oneof(
  { weight: 14, arbitrary: fc.constant((path: string) => path) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<(path: string) => string>(
      (path) => `${path}/`,
      (path) => path.replace('/api', '//api'),
      (path) => path.replace('/v1/', '/v1//'),
      (path) => path.replace('/v1/', '/v1/./'),
      (path) => path.replace('/v1/', '/v1/x/../'),
      (path) => path.replace('/v1/', '/v1/x/%2e%2e/'),
      (path) => path.replace('/v1/', '/v1%2f'),
      (path) => path.replaceAll('/', '%2F').replace('%2F', '/'),
      (path) => path.replaceAll('/', '\\').replace('\\', '/'),
      (path) => `${path};x=y`,
      (path) => `${path}%00`,
      (path) => `${path}%`,
      (path) => `${path}#x`,
      (path) => `${path}.json`,
      (path) => path.toUpperCase(),
      (path) => `http://127.0.0.1${path}`,
      (path) => path.replace(/[a-z]/, (letter) => `%${letter.charCodeAt(0).toString(16)}`),
    ),
  },
)

function asSchema(schema: unknown): Schema {
  if (typeof schema === 'object' && schema !== null && !Array.isArray(schema)) return schema as Schema
  return {}
}
