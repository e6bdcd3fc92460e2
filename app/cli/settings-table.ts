import { z } from 'zod'
import { settings } from '../settings.ts'

interface Row {
  readonly name: string
  readonly fallback: string
  readonly text: string
}

function rows(): Row[] {
  return settings.map(({ name, schema, secret }) => {
    const json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
    const fallback = json.default === undefined ? '' : String(json.default)
    const file = secret ? ` Also from the file that \`${name}_FILE\` names.` : ''
    return { name, fallback, text: `${schema.description ?? ''}.${file}` }
  })
}

/** The table of docs/settings.md. */
export function settingsMarkdown(): string {
  const lines = rows().map(({ name, fallback, text }) => `| \`${name}\` | ${fallback && `\`${fallback}\``} | ${text} |`)
  return ['| setting | default | meaning |', '|---|---|---|', ...lines, ''].join('\n')
}

/** The whole of .env.example: each setting commented out, with its default. */
export function settingsEnvFile(): string {
  const head = '# Copy to .env and change what you need. Made by `npm run -s pelbiot -- settings --format env`.\n'
  return (
    head +
    rows()
      .map(({ name, fallback, text }) => `\n# ${text}\n#${name}=${fallback}\n`)
      .join('')
  )
}
