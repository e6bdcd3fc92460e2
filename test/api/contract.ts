import { z } from 'zod'
import { scopes } from '../../api/scopes.ts'
import { roles } from '../../model/index.ts'
import { schemaFaults } from './json-schema.ts'

const schema = z.record(z.string(), z.unknown())
const content = z.record(z.string(), z.object({ schema }))

const policy = z.strictObject({
  role: z.enum(roles),
  /** Of several, one is enough. */
  scope: z.union([z.enum(scopes), z.array(z.enum(scopes))]).transform((scope) => [scope].flat()),
  sites: z.enum(['own', 'every']),
  devices: z.literal('own').optional(),
})

const ownPolicy = z.strictObject({
  for: z.enum(['person', 'everyone']),
  withoutSecondFactor: z.literal(true).optional(),
})

const anyPolicy = z.union([z.literal('public'), ownPolicy, policy])
export type Policy = z.output<typeof anyPolicy>

const operation = z.object({
  operationId: z.string(),
  summary: z.string(),
  description: z.string(),
  tags: z.array(z.string()).length(1),
  security: z.array(z.record(z.string(), z.array(z.string()))),
  'x-pelbiot-policy': anyPolicy,
  parameters: z
    .array(z.object({ name: z.string(), in: z.enum(['path', 'query', 'header']), required: z.boolean(), schema }))
    .default([]),
  requestBody: z.object({ content }).optional(),
  responses: z.record(z.string(), z.object({ description: z.string(), content: content.optional() })),
})

export const openApiDocument = z.object({
  openapi: z.literal('3.1.0'),
  tags: z.array(z.object({ name: z.string() })),
  paths: z.record(z.string(), z.record(z.string(), operation)),
  components: z.object({ schemas: schema }),
})

export type OpenApiDocument = z.output<typeof openApiDocument>

/** What was asked, and what came. */
export interface Exchange {
  readonly method: string
  readonly path: string
  readonly status: number
  readonly contentType: string | null
  readonly body: unknown
  /** What was sent as JSON; undefined: nothing. */
  readonly sent?: unknown
}

/** Everything in which a request that was taken, or its answer, is not what the document promises; empty when it keeps its word. */
export function contractFaults(document: OpenApiDocument, exchange: Exchange): string[] {
  const { method, path, status, contentType, body, sent } = exchange
  const found = findOperation(document, method, path)
  const components = document.components.schemas as Record<string, unknown>
  if (found === undefined) {
    const problem = components['Problem'] as Record<string, unknown>
    if (status !== 404 && status !== 405 && status !== 429)
      return [`${method} ${path} is not documented and answers ${status}`]
    if (contentType !== 'application/problem+json') return [`${status} without an operation is ${contentType}`]
    return schemaFaults(problem, body, components)
  }
  if (sent !== undefined && status < 300) {
    const faults = schemaFaults(found.requestBody?.content['application/json']?.schema ?? {}, sent, components)
    if (faults.length > 0) return faults.map((fault) => `${method} ${path} took what it should refuse: ${fault}`)
  }
  const response = found.responses[String(status)]
  if (response === undefined) return [`${method} ${path} answers ${status}, which is not documented`]
  const content = response.content ?? {}
  const offered = Object.keys(content)
  if (offered.length === 0) return body === undefined ? [] : [`${method} ${path} answers ${status} with a body`]
  const media = content[contentType ?? '']
  if (media === undefined) return [`${method} ${path} answers ${status} as ${contentType}, not ${offered.join(' or ')}`]
  if (contentType !== 'application/x-ndjson') return schemaFaults(media.schema, body, components)
  const lines = String(body ?? '').split('\n')
  if (lines.pop() !== '') return [`${method} ${path} ends within a line`]
  return lines.flatMap((line) => schemaFaults(media.schema, JSON.parse(line), components))
}

export function findOperation(document: OpenApiDocument, method: string, path: string) {
  const [bare = ''] = path.split('?')
  const exact = document.paths[bare]
  const templated = Object.entries(document.paths).find(([template]) =>
    new RegExp(`^${template.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(bare),
  )
  return (exact ?? templated?.[1])?.[method.toLowerCase()]
}
