/** A schema of an OpenAPI 3.1 document, as far as ours goes; a keyword that is not known here is an error. */
type Schema = Readonly<Record<string, unknown>>

const annotations = new Set(['description', 'example', 'examples', 'default', 'title'])

/** Everything in which `value` is not what `schema` says; empty when it is. */
export function schemaFaults(schema: Schema, value: unknown, components: Schema, at = ''): string[] {
  const faults: string[] = []
  const object = isRecord(value) ? value : undefined
  const must = (holds: boolean, what: string): void => {
    if (!holds) faults.push(`${at || 'body'}: ${what}, is ${JSON.stringify(value)?.slice(0, 100)}`)
  }
  const below = (inner: unknown, part: unknown, step: string) =>
    schemaFaults(asSchema(inner), part, components, `${at}/${step}`)

  for (const [keyword, rule] of Object.entries(schema)) {
    if (annotations.has(keyword)) continue
    switch (keyword) {
      case '$ref':
        faults.push(...schemaFaults(asSchema(components[String(rule).split('/').at(-1) ?? '']), value, components, at))
        break
      case 'type':
        must(
          asList(rule).some((type) => isType(type, value)),
          `must be ${JSON.stringify(rule)}`,
        )
        break
      case 'enum':
        must(asList(rule).includes(value), `must be one of ${JSON.stringify(rule)}`)
        break
      case 'const':
        must(value === rule, `must be ${JSON.stringify(rule)}`)
        break
      case 'properties':
        for (const [name, inner] of Object.entries(asSchema(rule)))
          if (object && Object.hasOwn(object, name)) faults.push(...below(inner, object[name], name))
        break
      case 'required':
        for (const name of asList(rule)) must(!object || Object.hasOwn(object, String(name)), `must have ${name}`)
        break
      case 'additionalProperties': {
        const known = Object.keys(asSchema(schema['properties'] ?? {}))
        for (const name of Object.keys(object ?? {}).filter((key) => !known.includes(key)))
          if (rule === false) must(false, `must not have ${name}`)
          else if (rule !== true) faults.push(...below(rule, object?.[name], name))
        break
      }
      case 'items':
        if (Array.isArray(value)) for (const [i, item] of value.entries()) faults.push(...below(rule, item, String(i)))
        break
      case 'anyOf':
      case 'oneOf': {
        const all = asList(rule).map((inner) => schemaFaults(asSchema(inner), value, components, at))
        if (all.every((of) => of.length > 0)) faults.push(...all.flat())
        break
      }
      case 'minimum':
        must(typeof value !== 'number' || value >= Number(rule), `must be ${rule} or more`)
        break
      case 'maximum':
        must(typeof value !== 'number' || value <= Number(rule), `must be ${rule} or less`)
        break
      case 'exclusiveMinimum':
        must(typeof value !== 'number' || value > Number(rule), `must be above ${rule}`)
        break
      case 'minLength':
        must(typeof value !== 'string' || value.length >= Number(rule), `must have ${rule} characters`)
        break
      case 'maxLength':
        must(typeof value !== 'string' || value.length <= Number(rule), `must have ${rule} characters at most`)
        break
      case 'pattern':
        must(typeof value !== 'string' || new RegExp(String(rule), 'u').test(value), `must match ${rule}`)
        break
      case 'format':
        // Hints for people: whatever text it is.
        if (rule === 'password' || rule === 'email') break
        if (rule !== 'date-time') throw new Error(`schema at ${at}: unknown format ${rule}`)
        must(typeof value !== 'string' || !Number.isNaN(Date.parse(value)), 'must be a time')
        break
      case 'minItems':
        must(!Array.isArray(value) || value.length >= Number(rule), `must have ${rule} items`)
        break
      case 'maxItems':
        must(!Array.isArray(value) || value.length <= Number(rule), `must have ${rule} items at most`)
        break
      default:
        throw new Error(`schema at ${at}: unknown keyword ${keyword}`)
    }
  }
  return faults
}

function isType(type: unknown, value: unknown): boolean {
  switch (type) {
    case 'null':
      return value === null
    case 'array':
      return Array.isArray(value)
    case 'object':
      return isRecord(value)
    case 'integer':
      return Number.isInteger(value)
    default:
      return typeof value === type
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function asSchema(value: unknown): Schema {
  if (isRecord(value)) return value
  throw new Error(`not a schema: ${JSON.stringify(value)}`)
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value]
}
