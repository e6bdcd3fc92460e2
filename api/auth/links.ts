import { linkLifeMs, refuseWeakPassword } from '../../model/index.ts'
import type { IssuedLink, LinkRecord, PersonRecord, State } from '../../store/state/index.ts'
import type { Changes } from '../changes.ts'
import { badField, HttpProblem } from '../problem.ts'
import type { PrincipalContext, RequestContext } from '../route.ts'
import type { Accounts } from './accounts.ts'
import { personActor } from './person-actor.ts'

export interface NewAdmin {
  readonly name: string
  readonly email: string
  readonly password: string
  readonly language: PersonRecord['language']
  readonly timeZone: string | null
}

export interface Links {
  /** What a token is for; a 422 problem when it is for nothing. */
  open(token: string): Promise<{ readonly link: LinkRecord; readonly person: PersonRecord | null }>
  setUp(context: RequestContext, token: string, admin: NewAdmin): Promise<PersonRecord>
  setPassword(context: RequestContext, token: string, password: string): Promise<PersonRecord>
  /** A link for somebody who has lost everything. */
  issue(context: PrincipalContext, personId: string): Promise<IssuedLink>
}

export interface LinksDeps {
  readonly state: Pick<State, 'links' | 'people'>
  readonly accounts: Pick<Accounts, 'hashPassword'>
  readonly changes: Changes
}

const deadLink = 'is wrong, used or expired'

export function createLinks({ state, accounts, changes }: LinksDeps): Links {
  async function open(token: string) {
    const link = await state.links.find(token)
    const person = link?.personId == null ? null : ((await state.people.get(link.personId)) ?? null)
    if (link === undefined || (link.personId !== null && (person === null || person.disabledMs !== null)))
      throw badField('token', deadLink)
    return { link, person }
  }

  return {
    open,

    async setUp(context, token, { password, ...admin }) {
      // Looked at first, so that nobody makes us compute a hash for nothing.
      const { link } = await open(token)
      if (link.purpose !== 'setup') throw badField('token', deadLink)
      refuseWeakPassword(password, admin)
      const hash = await accounts.hashPassword(password)
      const { requestId, address } = context
      return changes.applyUnlogged({ principal: setupPrincipal, requestId, address }, async (unit) => {
        await unit.links.redeem(token)
        if (await unit.accounts.hasAdmin())
          throw new HttpProblem('conflict', 'there is an admin already, who can invite you')
        const { id } = await unit.people.create({ ...admin, role: 'admin', sites: 'all' })
        return unit.accounts.setPassword(id, hash)
      })
    },

    async setPassword(context, token, password) {
      const { person } = await open(token)
      if (person === null) throw badField('token', deadLink)
      refuseWeakPassword(password, person)
      const hash = await accounts.hashPassword(password)
      return changes.applyUnlogged(personActor(person, context), async (unit) => {
        const link = await unit.links.redeem(token)
        if (link.personId !== person.id) throw badField('token', deadLink)
        return unit.accounts.setPassword(person.id, hash)
      })
    },

    issue: (context, personId) =>
      changes.applyUnlogged(context, async (unit) => {
        const person = await unit.people.get(personId)
        if (person === undefined) throw new HttpProblem('not_found', `there is no person ${personId}`)
        const purpose = person.signInWays.length === 0 ? 'invitation' : 'password-reset'
        return unit.links.issue(purpose, personId, linkLifeMs.invitation)
      }),
  }
}

/** Whoever has the link that the first start printed. */
const setupPrincipal = { kind: 'platform', id: 'set-up link', role: 'admin', sites: 'all' } as const
