import type { z } from 'zod'

/** In words, what a schema takes; its own names for the rest. */
const wanted: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
}

/** What a string of a standard format is, for those that state no error of their own. */
const formats: Readonly<Record<string, string>> = {
  datetime: 'a time as of RFC 3339',
  email: 'an e-mail address',
  url: 'a URL',
}

/**
 * What is wrong, as the rest of a sentence that begins with the name of the field: "must be at least 1". To be given to
 * a schema's `parse` as `error`; what a schema says for itself comes before it.
 */
export const issueText: z.core.$ZodErrorMap = (issue) => {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is missing' : `must be ${wanted[issue.expected] ?? issue.expected}`
    case 'invalid_value':
      return issue.input === undefined ? 'is missing' : `must be ${either(issue.values.map(String))}`
    case 'too_small':
      return bound('least', issue.origin, Number(issue.minimum), issue.inclusive !== false)
    case 'too_big':
      return bound('most', issue.origin, Number(issue.maximum), issue.inclusive !== false)
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}`
    case 'invalid_format':
      return `must be ${formats[issue.format] ?? 'of another form'}`
    case 'unrecognized_keys':
      return `has unknown fields: ${issue.keys.join(', ')}`
    case 'invalid_key':
      return `has a name that cannot be: it ${issue.issues[0]?.message ?? 'is wrong'}`
    case 'invalid_union':
      return issue.input === undefined ? 'is missing' : forms(issue.errors)
    default:
      return 'is wrong'
  }
}

function bound(side: 'least' | 'most', origin: string, limit: number, inclusive: boolean): string {
  if (side === 'least' && limit === 1 && (origin === 'string' || origin === 'array')) return 'must not be empty'
  if (origin === 'string') return `must have at ${side} ${limit} characters`
  if (origin === 'array') return `must have at ${side} ${limit} items`
  if (inclusive) return `must be at ${side} ${limit}`
  return side === 'least' ? `must be more than ${limit}` : `must be less than ${limit}`
}

/** Of simple forms each is named; what is wrong with larger ones fills no sentence. */
function forms(branches: readonly (readonly z.core.$ZodIssue[])[]): string {
  const texts = branches.map(([issue]) => (issue?.path.length === 0 ? issue.message : ''))
  const simple = texts.every((text) => text.startsWith('must be '))
  return simple
    ? `must be ${either(texts.map((text) => text.slice('must be '.length)))}`
    : 'is none of its possible forms'
}

function either(choices: readonly string[]): string {
  const last = choices.at(-1) ?? ''
  return choices.length > 1 ? `${choices.slice(0, -1).join(', ')} or ${last}` : last
}
