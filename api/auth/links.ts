import type { Logger } from 'pino'
import { linkLifeMs, refuseWeakPassword } from '../../model/index.ts'
import type { ChangeUnit, IssuedLink, LinkRecord, PersonRecord, State } from '../../store/state/index.ts'
import type { Changes } from '../changes.ts'
import { badField, HttpProblem } from '../problem.ts'
import type { PrincipalContext, RequestContext } from '../route.ts'
import type { Accounts } from './accounts.ts'
import { personActor } from './person-actor.ts'
import type { Throttle } from './throttle.ts'

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
  /** Mails an invitation, or a link for a new password to who has one; a 409 problem where mails cannot link here. */
  invite(context: PrincipalContext, personId: string): Promise<PersonRecord>
  /** The same for whoever asks, if there is such a person; says nothing of that. */
  askForReset(context: RequestContext, email: string): void
  /** Within a change that makes the person. */
  mailLink(unit: ChangeUnit, personId: string): Promise<PersonRecord>
  /** A link for somebody who has lost everything. */
  issue(context: PrincipalContext, personId: string): Promise<IssuedLink>
}

export interface LinksDeps {
  readonly state: Pick<State, 'links' | 'people'>
  readonly accounts: Pick<Accounts, 'hashPassword'>
  readonly changes: Changes
  readonly throttle: Pick<Throttle, 'mayMail'>
  /** Whether mails can link to the platform. */
  readonly canMail: boolean
  readonly logger: Logger
}

const deadLink = 'is wrong, used or expired'
/** Requests for mails that are being looked at. */
const maxWaiting = 100

export function createLinks({ state, accounts, changes, throttle, canMail, logger }: LinksDeps): Links {
  let waiting = 0

  async function mailLink(unit: ChangeUnit, personId: string): Promise<PersonRecord> {
    if (!canMail)
      throw new HttpProblem(
        'conflict',
        'mails cannot link to this platform before PUBLIC_URL is set; use `pelbiot user link`',
      )
    const person = await unit.people.get(personId)
    if (person === undefined) throw new HttpProblem('not_found', `there is no person ${personId}`)
    if (person.disabledMs !== null) throw new HttpProblem('conflict', 'they are disabled')
    const kind = person.signInWays.length === 0 ? 'invitation' : 'password-reset'
    const { record } = await unit.links.issue(kind, personId, linkLifeMs[kind])
    await unit.notifications.tell({ kind, person, link: record })
    return person
  }

  async function reset(context: RequestContext, email: string): Promise<void> {
    const person = await state.people.findByEmail(email)
    if (person === undefined || person.disabledMs !== null || !(await throttle.mayMail(email))) return
    if (!canMail) return logger.warn('somebody asked for a new password: PUBLIC_URL is needed for that')
    await changes.applyUnlogged(personActor(person, context), (unit) => mailLink(unit, person.id))
  }

  async function open(token: string) {
    const link = await state.links.find(token)
    const person = link?.personId == null ? null : ((await state.people.get(link.personId)) ?? null)
    if (link === undefined || (link.personId !== null && (person === null || person.disabledMs !== null)))
      throw badField('token', deadLink)
    return { link, person }
  }

  return {
    open,
    mailLink,

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
        const changed = await unit.accounts.setPassword(person.id, hash)
        if (link.purpose === 'password-reset')
          await unit.notifications.tell({ kind: 'password-changed', person: changed })
        return changed
      })
    },

    invite: (context, personId) => changes.applyUnlogged(context, (unit) => mailLink(unit, personId)),

    askForReset(context, email) {
      if (waiting >= maxWaiting)
        throw new HttpProblem('rate_limited', 'too many ask for mails just now; come again soon')
      waiting++
      // Not awaited: the time that the answer takes must not say whether there is such a person.
      void reset(context, email)
        .catch((err: unknown) => logger.error({ err }, 'mail for a new password not queued'))
        .finally(() => waiting--)
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
