import { type OwnPolicy, type Policy, scopesOf } from './route.ts'

const ofSites = {
  own: 'A caller that is limited to sites meets only what is of them; the rest is as if it did not exist.',
  every: 'Closed to callers that are limited to sites.',
} as const

const ofOneself = {
  person: 'people who are signed in, about themselves; keys are refused.',
  everyone: 'whoever is signed in or has a key, about themselves.',
} as const

/** Who may call an operation, as a paragraph of its description. */
export function policyText(policy: Policy | OwnPolicy | 'public'): string {
  if (policy === 'public') return 'Who: anybody, without a key.'
  if ('for' in policy) {
    const early = policy.withoutSecondFactor ? ' Also while a second factor is demanded and not enabled yet.' : ''
    return `Who: ${ofOneself[policy.for]}${early}`
  }
  const { role, sites, devices } = policy
  const scope = scopesOf(policy).join('` or `')
  const least = role === 'admin' ? 'the role `admin`' : `the role \`${role}\` or a higher one`
  const ofDevices =
    devices === undefined ? '' : ' A device may, with its token, for itself and for those whose gateway it is.'
  return `Who: ${least}; a key that is narrowed to scopes needs \`${scope}\`. ${ofSites[sites]}${ofDevices}`
}
