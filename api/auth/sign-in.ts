import type { Logger } from 'pino'
import { Counter, type Registry } from 'prom-client'
import type { PersonRecord, SessionRecord, State } from '../../store/state/index.ts'
import type { Changes } from '../changes.ts'
import { HttpProblem } from '../problem.ts'
import type { RequestContext } from '../route.ts'
import type { Accounts, CodeKind, PasswordSignIn, SignedIn, SignInOutcome } from './accounts.ts'
import { personActor } from './person-actor.ts'
import type { SessionCookie } from './session-cookie.ts'
import type { Throttle } from './throttle.ts'

export type SignInResult =
  | { readonly kind: 'signed-in'; readonly person: PersonRecord; readonly cookies: readonly string[] }
  | { readonly kind: 'second-factor'; readonly cookies: readonly string[] }

export interface SignIns {
  withPassword(context: RequestContext, input: PasswordSignIn): Promise<SignInResult>
  withCode(context: RequestContext, kind: CodeKind, code: string): Promise<SignInResult>
  /** Takes over a session that was made otherwise: counts, records, and ends the one that the browser had before. */
  finish(context: RequestContext, signedIn: SignedIn): Promise<SignInResult>
}

export interface SignInDeps {
  readonly accounts: Accounts
  readonly throttle: Throttle
  readonly sessionCookie: SessionCookie
  readonly state: Pick<State, 'people' | 'accounts'>
  readonly changes: Changes
  readonly registry: Registry
  readonly logger: Logger
}

/** The same for an address that nobody has, a wrong password, and somebody who is disabled or was never here. */
const wrongPassword = 'the e-mail address or the password is wrong'

export function createSignIns(deps: SignInDeps): SignIns {
  const { accounts, throttle, sessionCookie, state, changes, logger } = deps
  const outcomes = new Counter({
    name: 'pelbiot_sign_ins_total',
    help: 'Attempts of people to sign in, by step and outcome',
    labelNames: ['step', 'outcome'] as const,
    registers: [deps.registry],
  })

  async function finish(context: RequestContext, signedIn: SignedIn): Promise<SignInResult> {
    const { personId, sessionId, method, cookies } = signedIn
    const person = await state.people.get(personId)
    if (person === undefined) throw new HttpProblem('unauthenticated', wrongPassword)
    const earlier = await sessionBefore(context)
    const { userAgent } = context
    // Nobody has the session's cookie before its record is on disk.
    await changes.applyUnlogged(personActor(person, context), async (unit) => {
      if (earlier !== undefined) await unit.accounts.endSession(earlier.personId, earlier.id)
      await unit.accounts.noteSignIn(personId, { sessionId, method, userAgent })
    })
    await throttle.succeeded(context.address, person.email)
    return { kind: 'signed-in', person, cookies }
  }

  /** A session that is replaced would live on with nobody to end it. */
  async function sessionBefore(context: RequestContext): Promise<SessionRecord | undefined> {
    const token = await sessionCookie.tokenOf(context)
    return token === undefined ? undefined : state.accounts.findSession(token)
  }

  async function begin(context: RequestContext, email: string) {
    try {
      return await throttle.begin(context.address, email)
    } catch (error) {
      outcomes.inc({ step: 'password', outcome: 'throttled' })
      throw error
    }
  }

  async function noteRefused(context: RequestContext, email: string, tries: number): Promise<void> {
    logger.warn({ address: context.address, tries }, 'sign-ins from this address have to wait')
    const person = await state.people.findByEmail(email)
    if (person !== undefined) await recordRefused(context, person.id, tries)
  }

  async function recordRefused({ requestId, address }: RequestContext, id: string, tries: number): Promise<void> {
    await changes.applyUnlogged({ principal: nobody, requestId, address }, (unit) =>
      unit.accounts.noteRefusedSignIns(id, tries),
    )
  }

  function judge(step: 'password' | 'code', outcome: SignInOutcome): Exclude<SignInOutcome, { kind: 'refused' }> {
    outcomes.inc({ step, outcome: outcome.kind })
    if (outcome.kind !== 'refused') return outcome
    if (outcome.why === 'locked')
      throw new HttpProblem('rate_limited', 'too many wrong codes; come again in 15 min', {
        headers: { 'retry-after': '900' },
      })
    if (outcome.why === 'over')
      throw new HttpProblem('unauthenticated', 'this sign-in is over; begin again with the password')
    if (outcome.why === 'used')
      throw new HttpProblem(
        'unauthenticated',
        'this code was used already; begin again with the password, and take the next code',
      )
    throw new HttpProblem('unauthenticated', step === 'password' ? wrongPassword : 'the code is wrong')
  }

  return {
    async withPassword(context, input) {
      const { last, tries } = await begin(context, input.email)
      const answer = await accounts.signIn(context, input)
      if (answer.kind === 'refused' && last) await noteRefused(context, input.email, tries)
      const outcome = judge('password', answer)
      return outcome.kind === 'signed-in' ? finish(context, outcome) : outcome
    },

    async withCode(context, kind, code) {
      await throttle.takeStep(context.address)
      const answer = await accounts.confirmSignIn(context, kind, code)
      // Each: whoever comes so far has the password, and a code has ten tries in a quarter of an hour.
      if (answer.kind === 'refused' && answer.whose !== undefined) await recordRefused(context, answer.whose, 1)
      const outcome = judge('code', answer)
      return outcome.kind === 'signed-in' ? finish(context, outcome) : outcome
    },

    finish,
  }
}

/** Whoever tried is not known. */
const nobody = { kind: 'platform', id: 'sign-in', role: 'viewer', sites: [] } as const
