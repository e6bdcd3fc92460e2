import type { OpenApiDocument, Policy } from '../contract.ts'

const head = `# Who may do what

Made from the API's document (\`/openapi.json\`, \`x-pelbiot-policy\`); a test compares the two, and writes this page anew with
\`npm test -- test/api/access-table.real.test.ts -u\`.

- **Role**: the least one. \`viewer\` is part of \`operator\`, \`operator\` of \`admin\`.
- **Scope**: what a key that is narrowed to scopes needs. A scope only takes away.
- **Sites**: what a caller gets that is limited to sites. *Own*: what is of them; everything else is answered as if it did not
  exist, in lists, in filters and in the texts of errors. *None*: the operation is closed, because it touches what is of all
  sites or of none.
- **For themselves**: about the caller alone, whatever the role. *People* are those who are signed in; keys get 403. *Everyone*: keys
  too.
- A caller without any of these gets 401 (no key and no session, or one that is unknown, expired or ended; a device's token opens
  nothing but what says *device*, for itself and the devices whose gateway it is), one whose role, scope or sites do not suffice 403.

**One thing shows through.** Ids of devices, assets and rules are unique on the whole platform, so an admin of one site who makes
one under an id that another site has is told that it is taken, as for an id of their own site, and nothing else of it.
`

/** docs/access.md, whole. */
export function accessPage(document: OpenApiDocument): string {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  )
  const tags = document.tags.map(({ name }) => {
    const rows = operations
      .filter(({ operation }) => operation.tags.includes(name))
      .map(({ method, path, operation }) => {
        const policy = operation['x-pelbiot-policy']
        return `| \`${method} ${path}\` | ${whoMay(policy)} | ${operation.summary} |`
      })
    return [`## ${name}`, '', '| operation | role | scope | sites | what for |', '|---|---|---|---|---|', ...rows].join(
      '\n',
    )
  })
  return `${[head.trimEnd(), ...tags].join('\n\n')}\n`
}

function whoMay(policy: Policy): string {
  if (policy === 'public') return 'anybody | – | –'
  if ('for' in policy)
    return policy.for === 'person' ? 'people, for themselves | – | –' : 'everyone, for themselves | – | –'
  const role = policy.devices === undefined ? `\`${policy.role}\`` : `\`${policy.role}\`, or the device`
  return `${role} | ${policy.scope.map((scope) => `\`${scope}\``).join(' or ')} | ${policy.sites === 'own' ? 'own' : 'none'}`
}
