import { z } from '@hono/zod-openapi'
import { type FieldError, issueText } from '../model/index.ts'
import { HttpProblem } from './problem.ts'

/** A request before anybody trusts it. */
export interface RawRequest {
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  readonly contentType: string | undefined
  readonly contentEncoding?: string | undefined
  readonly accept: string | undefined
  /** Of the event that a client of a stream has got last. */
  readonly lastEventId?: string | undefined
  /** The whole body; rejects with a 413 problem when it is too large. */
  readBody(): Promise<Uint8Array>
}

export interface RequestSchemas<Params extends z.ZodObject, Query extends z.ZodObject, Body extends z.ZodType> {
  readonly params?: Params
  readonly query?: Query
  readonly body?: Body
  readonly bodyOptional?: boolean
  readonly bodyAs?: 'bytes'
}

interface Parsed<Params extends z.ZodObject, Query extends z.ZodObject, Body extends z.ZodType> {
  readonly params: z.output<Params>
  readonly query: z.output<Query>
  readonly body: z.output<Body>
  readonly accept: string | undefined
  readonly lastEventId: string | undefined
}

/** What a schema does not say for itself. */
const inWords = { error: issueText }
const inWordsOnce: { error: z.core.$ZodErrorMap } = {
  error: (issue) => (Array.isArray(issue.input) ? 'must be given once' : issueText(issue)),
}
const nothing = z.strictObject({})
const noBody = z.undefined()
const strictUtf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * Address and query first, all their faults at once (400); then the body: 415 when it is not called JSON or is packed, 400 when it is
 * none, 422 with every wrong field when it says something else than it should.
 */
export async function parseRequest<Params extends z.ZodObject, Query extends z.ZodObject, Body extends z.ZodType>(
  request: RawRequest,
  schemas: RequestSchemas<Params, Query, Body>,
): Promise<Parsed<Params, Query, Body>> {
  const params = (schemas.params ?? nothing).safeParse(request.params, inWords)
  const query = (schemas.query ?? nothing).safeParse(queryRecord(request.query), inWordsOnce)
  if (!params.success || !query.success) {
    const fields = [params, query].flatMap((result) => (result.error ? fieldErrors(result.error) : []))
    throw new HttpProblem('malformed_request', describe('address', fields), { fields })
  }
  const body = (schemas.body ?? noBody).safeParse(schemas.body ? await readWhole(request, schemas) : undefined, inWords)
  if (!body.success) {
    const fields = fieldErrors(body.error)
    throw new HttpProblem('invalid_input', describe('body', fields), { fields })
  }
  const parsed = { params: params.data, query: query.data, body: body.data, ...headersOf(request) }
  // The schemas above are the very ones the types come from; only their absence widened the types.
  return parsed as Parsed<Params, Query, Body>
}

function headersOf({ accept, lastEventId }: RawRequest) {
  return { accept, lastEventId }
}

/** A parameter given twice becomes a list, which no schema of ours takes. */
function queryRecord(query: URLSearchParams): Record<string, string | string[]> {
  return Object.fromEntries(
    [...new Set(query.keys())].map((key) => {
      const values = query.getAll(key)
      return [key, values.length === 1 ? (values[0] ?? '') : values]
    }),
  )
}

type BodyShape = Pick<RequestSchemas<z.ZodObject, z.ZodObject, z.ZodType>, 'bodyOptional' | 'bodyAs'>

async function readWhole(request: RawRequest, { bodyOptional, bodyAs }: BodyShape): Promise<unknown> {
  if (bodyOptional && request.contentType === undefined && (await request.readBody()).length === 0) return {}
  const mediaType = request.contentType?.split(';')[0]?.trim().toLowerCase()
  if (mediaType !== 'application/json')
    throw new HttpProblem('unsupported_media_type', 'this route reads application/json; say so in Content-Type')
  const { contentEncoding } = request
  // RFC 9110, 15.5.16. Unpacked, a small body could be one without bounds.
  if (contentEncoding !== undefined && contentEncoding.trim().toLowerCase() !== 'identity')
    throw new HttpProblem(
      'unsupported_media_type',
      `this route reads bodies as they are; Content-Encoding is ${contentEncoding.slice(0, 80)}`,
      { headers: { 'accept-encoding': 'identity' } },
    )
  const bytes = await request.readBody()
  if (bodyAs === 'bytes') return bytes
  try {
    return JSON.parse(strictUtf8.decode(bytes))
  } catch (error) {
    const why = error instanceof SyntaxError ? error.message : 'not UTF-8'
    throw new HttpProblem('malformed_request', `parse the body as JSON failed: ${why.slice(0, 200)}`)
  }
}

/** A field is named as in JavaScript: `limits.metrics`, `tags.0`; the whole body is ''. */
function fieldErrors(error: z.ZodError): FieldError[] {
  const name = (path: readonly PropertyKey[]): string => path.map(String).join('.').slice(0, 200)
  const toErrors = (issues: readonly Issue[], at: readonly PropertyKey[]): FieldError[] =>
    issues.flatMap((issue) => {
      const path = [...at, ...issue.path]
      if (issue.code === 'unrecognized_keys')
        return issue.keys.map((key) => ({ field: name([...path, key]), message: 'unknown' }))
      const meant = issue.code === 'invalid_union' ? meantBranch(issue.errors) : undefined
      return meant ? toErrors(meant, path) : [{ field: name(path), message: issue.message }]
    })
  return toErrors(error.issues, [])
}

type Issue = z.core.$ZodIssue

/** Of several forms the one that is least wrong is the one that was meant; undefined when that is not clear. */
function meantBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  const weight = (issues: readonly Issue[]) =>
    issues.reduce((sum, issue) => sum + (issue.code === 'unrecognized_keys' ? issue.keys.length : 1), 0)
  const [best, next] = branches.toSorted((a, b) => weight(a) - weight(b))
  return best && next && weight(best) < weight(next) ? best : undefined
}

function describe(part: string, fields: readonly FieldError[]): string {
  const [first] = fields
  const more = fields.length > 1 ? ` (and ${fields.length - 1} more)` : ''
  return first ? `${first.field || part}: ${first.message}${more}` : `the ${part} is wrong`
}
