import { z } from 'zod'
import { type InfluxdbReadingsConfig, targetOf } from './config.ts'
import { RefusedRequest } from './errors.ts'
import type { Http } from './http.ts'

/** A part of the answer to one statement. */
export interface ResultTable {
  /** Index of the statement in the query. */
  readonly statement: number
  readonly name: string | undefined
  readonly tags: Readonly<Record<string, string>>
  readonly columns: readonly string[]
  readonly rows: readonly (readonly unknown[])[]
}

const answerSchema = z.object({
  error: z.string().optional(),
  results: z
    .array(
      z.object({
        statement_id: z.int().default(0),
        error: z.string().optional(),
        series: z
          .array(
            z.object({
              name: z.string().optional(),
              tags: z
                .record(
                  z.string(),
                  z
                    .string()
                    .nullable()
                    .transform((value) => value ?? ''),
                )
                .default({}),
              columns: z.array(z.string()),
              values: z.array(z.array(z.unknown())).default([]),
            }),
          )
          .default([]),
      }),
    )
    .default([]),
})

/** InfluxQL with times in ms; yields what comes as it comes, in order. Rejects with a `RefusedRequest` where a statement failed. */
export async function* runQuery(
  http: Http,
  config: InfluxdbReadingsConfig,
  statements: readonly string[],
): AsyncGenerator<ResultTable> {
  const { database, retentionPolicy } = targetOf(config)
  const parameters = new URLSearchParams({ db: database, epoch: 'ms', chunked: 'true' })
  if (retentionPolicy !== undefined) parameters.set('rp', retentionPolicy)
  const body = new URLSearchParams({ q: statements.join(';') })
  const response = await http.send(`/query?${parameters}`, { method: 'POST', body })
  for await (const line of linesOf(response)) {
    const { error, results } = parseAnswer(line)
    if (error !== undefined) throw new RefusedRequest(400, error, undefined)
    for (const result of results) {
      if (result.error !== undefined) throw new RefusedRequest(400, result.error, undefined)
      for (const { name, tags, columns, values } of result.series)
        yield { statement: result.statement_id, name, tags, columns, rows: values }
    }
  }
}

/** A cell that holds no number is NaN. */
export function numberIn(row: readonly unknown[] | undefined, column: number): number {
  const cell = row?.[column]
  return typeof cell === 'number' ? cell : Number.NaN
}

function parseAnswer(line: string) {
  try {
    return answerSchema.parse(JSON.parse(line))
  } catch {
    // 1.x breaks off with a text when a number has no JSON, such as a sum beyond the largest.
    throw new RefusedRequest(500, line, undefined)
  }
}

async function* linesOf(response: Response): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of response.body ?? []) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line.trim() !== '') yield line
  }
  if (rest.trim() !== '') yield rest
}
