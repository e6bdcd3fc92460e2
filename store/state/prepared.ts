import type { Compilable, CompiledQuery } from 'kysely'
import { AppError } from '../../model/index.ts'
import type { Db } from './schema.ts'

/**
 * A query that is built once, at its first use: where it reads a few rows by a key, building it costs more than running it.
 * `build` must use each of its parameters once, in their order, and no other value; its SQL must not depend on what they are.
 */
export function prepared<Parameters extends readonly unknown[], Row>(
  db: Db,
  build: (...parameters: Parameters) => Compilable<Row>,
): (...parameters: Parameters) => Promise<readonly Row[]> {
  let built: CompiledQuery<Row> | undefined

  function compile(parameters: Parameters): CompiledQuery<Row> {
    const compiled = build(...parameters).compile()
    if (compiled.parameters.length === parameters.length) return compiled
    throw new AppError('internal', `prepare ${compiled.sql} failed: it has ${compiled.parameters.length} parameters`)
  }

  return async (...parameters) => {
    // In a change each is built anew, which is where one is refused whose change is over (until-end.ts).
    if (db.isTransaction || built === undefined) built = compile(parameters)
    return (await db.executeQuery<Row>({ ...built, parameters })).rows
  }
}
