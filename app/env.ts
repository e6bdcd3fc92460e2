import { existsSync, readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import type { z } from 'zod'
import { AppError, type FieldError, issueText } from '../model/index.ts'

/** One setting: an environment variable, and the schema of the field it fills. */
export interface Setting {
  readonly name: string
  readonly schema: z.ZodType
  /** Printed as `[secret]`; also read from the file that `NAME_FILE` names. */
  readonly secret?: boolean
}

export type Environment = Readonly<Record<string, string | undefined>>

/** `.env` in the working folder, below the real environment. Names it must not hold are errors: it is all ours. */
export function loadEnvironment(real: Environment, file: string, known: readonly Setting[]): Environment {
  if (!existsSync(file)) return real
  const fromFile = parseEnv(readFileSync(file, 'utf8'))
  const names = new Set(known.flatMap(({ name }) => [name, `${name}_FILE`]))
  const strangers = Object.keys(fromFile).filter((name) => !names.has(name))
  if (strangers.length > 0) {
    const fields = strangers.map((field) => ({ field, message: `is not a setting (in ${file})` }))
    throw new AppError('invalid_input', 'read settings failed', { fields })
  }
  return { ...fromFile, ...real }
}

/** What a schema does not say for itself. */
const inWords = { error: issueText }

/** Text as a number, a boolean or itself, whichever the schema takes; undefined leaves the schema's default. */
function parseText(schema: z.ZodType, text: string): z.ZodSafeParseResult<unknown> {
  const asText = schema.safeParse(text, inWords)
  if (asText.success) return asText
  if (text === 'true' || text === 'false') return schema.safeParse(text === 'true', inWords)
  if (/^-?\d+(\.\d+)?$/.test(text)) return schema.safeParse(Number(text), inWords)
  return asText
}

function textOf(setting: Setting, env: Environment, errors: FieldError[]): string | undefined {
  const direct = env[setting.name]
  const file = setting.secret ? env[`${setting.name}_FILE`] : undefined
  if (file === undefined || file === '') return direct === '' ? undefined : direct
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    errors.push({ field: `${setting.name}_FILE`, message: `cannot be read: ${file}` })
    return undefined
  }
}

/** Every setting's value by name. Throws one `invalid_input` that lists all wrong ones. */
export function readSettings(settings: readonly Setting[], env: Environment): Readonly<Record<string, unknown>> {
  const errors: FieldError[] = []
  const values: Record<string, unknown> = {}
  for (const setting of settings) {
    const before = errors.length
    const text = textOf(setting, env, errors)
    if (errors.length > before) continue
    const parsed = text === undefined ? setting.schema.safeParse(undefined, inWords) : parseText(setting.schema, text)
    if (parsed.success) values[setting.name] = parsed.data
    else {
      const shown = setting.secret || text === undefined ? '' : ` (is ${JSON.stringify(text)})`
      errors.push({ field: setting.name, message: `${parsed.error.issues[0]?.message ?? 'is wrong'}${shown}` })
    }
  }
  if (errors.length > 0) throw new AppError('invalid_input', 'read settings failed', { fields: errors })
  return values
}
