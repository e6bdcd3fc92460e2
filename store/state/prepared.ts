import type { Compilable, CompiledQuery } from 'kysely'
import { AppError } from '../../model/index.ts'
import type { Db } from './schema.ts'

/**
 * A query that is built once, at its first use: where it reads a few rows by a key, building it costs more than running it. `build` must use each of
 * its parameters once, in their order, and no other value.
 */
export function prepared<Parameters extends readonly unknown[], Row>(
  db: Db,
  build: (...parameters: Parameters) => Compilable<Row>,
): (...parameters: Parameters) => Promise<readonly Row[]> {
  let built: CompiledQuery<Row> | undefined

  function compile(): CompiledQuery<Row> {
    // Only their places matter, so nothing stands in them.
    const places = Array.from({ length: build.length }, () => null) as unknown as Parameters
    const compiled = build(...places).compile()
    if (compiled.parameters.length === build.length) return compiled
    throw new AppError('internal', `prepare ${compiled.sql} failed: it has ${compiled.parameters.length} parameters`)
  }

  return async (...parameters) => {
    // In a change each is built anew, which is where one is refused whose change is over (until-end.ts).
    const query = db.isTransaction || built === undefined ? compile() : built
    built = query
    return (await db.executeQuery<Row>({ ...query, parameters })).rows
  }
}
