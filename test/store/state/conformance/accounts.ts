import { describe, expect, test } from 'vitest'
import type { PersonInput, State } from '../../../../store/state/index.ts'
import { type MakeStatePlace, north, refusal, type StateBench, useState } from '../harness.ts'

const dayMs = 86_400_000

let people = 0
function someone(input: Partial<PersonInput> = {}): PersonInput {
  const email = `person-${++people}@example.com`
  return { name: 'Ani', email, language: 'en', timeZone: null, role: 'admin', sites: 'all', ...input }
}

type SessionTables = {
  auth_sessions: {
    id: string
    token: string
    person_id: string
    expires_at: string
    created_at: string
    updated_at: string
  }
}

/** As the account library writes one. */
async function insertSession({ accountTables }: State, id: string, personId: string, createdMs: number): Promise<void> {
  const time = new Date(createdMs).toISOString()
  const expires_at = new Date(createdMs + dayMs).toISOString()
  await accountTables
    .withTables<SessionTables>()
    .insertInto('auth_sessions')
    .values({ id, token: `token-${id}`, person_id: personId, expires_at, created_at: time, updated_at: time })
    .execute()
}

export function describeAccounts(make: MakeStatePlace): void {
  describe('accounts', () => {
    const bench = useState(make)
    const add = async ({ change }: StateBench, input: Partial<PersonInput> = {}) => {
      return change((unit) => unit.people.create(someone(input)))
    }
    const arrive = async ({ change }: StateBench, id: string) => {
      return change((unit) => unit.accounts.setPassword(id, 'hash'))
    }
    const sessionsOf = async ({ state }: StateBench, id: string) => {
      return (await state.accounts.sessions(id)).map((session) => session.id)
    }

    test('the last admin of all sites who can sign in is neither demoted, limited, disabled nor removed', async () => {
      const { state, change } = bench()
      expect(await state.accounts.hasAdmin()).toBe(false)
      const only = await add(bench())
      expect(await state.accounts.hasAdmin()).toBe(true)
      await arrive(bench(), only.id)
      // Neither of them could let anybody in: one has no password yet, one sees one site.
      await add(bench())
      await arrive(bench(), (await add(bench(), { sites: [north] })).id)

      const patches = [{ role: 'operator' }, { sites: [north] }, { disabled: true }] as const
      for (const patch of patches)
        expect(await refusal(change((unit) => unit.people.update(only.id, patch)))).toBe('conflict role')
      expect(await refusal(change((unit) => unit.people.remove(only.id)))).toBe('conflict role')
      await change((unit) => unit.people.update(only.id, { name: 'Ani Wijaya' }))

      const second = await add(bench())
      await arrive(bench(), second.id)
      expect(await change((unit) => unit.people.update(only.id, { role: 'viewer' }))).toMatchObject({ role: 'viewer' })
      expect(await refusal(change((unit) => unit.people.remove(second.id)))).toBe('conflict role')
    })

    test('a link is good once, for its time, and only as it was made', async () => {
      const { state, change, clock } = bench()
      const person = await add(bench())
      const { record, token } = await change((unit) => unit.links.issue('invitation', person.id, 1_000))
      expect(token).toMatch(/^pel_link_[a-z2-7]{12}[A-Za-z0-9_-]{43}$/)
      expect(await state.links.find(token)).toEqual(record)
      const other = await change((unit) => unit.links.issue('password-reset', person.id, 1_000))
      const mixed = token.slice(0, 21) + other.token.slice(21)
      for (const wrong of ['', 'pel_link_', mixed, `${token}A`, token.slice(0, -1), token.toUpperCase()])
        expect(await state.links.find(wrong)).toBeUndefined()

      expect(await change((unit) => unit.links.redeem(token))).toEqual(record)
      expect(await refusal(change((unit) => unit.links.redeem(token)))).toBe('invalid_input token')
      clock.set(clock.now() + 1_000)
      expect(await state.links.find(other.token)).toBeUndefined()
      expect(await refusal(change((unit) => unit.links.redeem(other.token)))).toBe('invalid_input token')
    })

    test('a link that is changed in the database is worth nothing', async () => {
      const { state, change } = bench()
      const mine = await add(bench())
      const theirs = await add(bench())
      const { record, token } = await change((unit) => unit.links.issue('invitation', mine.id, dayMs))
      const rows = state.accountTables.withTables<{ account_links: { id: string; person_id: string } }>()
      await rows.updateTable('account_links').set({ person_id: theirs.id }).where('id', '=', record.id).execute()
      expect(await state.links.find(token)).toBeUndefined()
    })

    test('a person has five links at most, and one set-up link is enough for everybody', async () => {
      const { state, change, clock } = bench()
      const person = await add(bench())
      const tokens: string[] = []
      for (let i = 0; i < 7; i++) {
        clock.set(clock.now() + 1)
        tokens.push((await change((unit) => unit.links.issue('password-reset', person.id, dayMs))).token)
      }
      const good = await Promise.all(tokens.map((token) => state.links.find(token)))
      expect(good.map((link) => link !== undefined)).toEqual([false, false, true, true, true, true, true])
      const setup = await change((unit) => unit.links.issue('setup', null, dayMs))
      const next = await change((unit) => unit.links.issue('setup', null, dayMs))
      expect(await state.links.find(setup.token)).toBeUndefined()
      expect(await state.links.find(next.token)).toEqual(next.record)
    })

    test('a new password ends links and sessions, but the one it was set in', async () => {
      const { state, change, clock } = bench()
      const person = await add(bench())
      expect(person.signInWays).toEqual([])
      const { token } = await change((unit) => unit.links.issue('invitation', person.id, dayMs))
      for (const id of ['one', 'two']) await insertSession(state, id, person.id, clock.now())
      expect(await change((unit) => unit.accounts.setPassword(person.id, 'hash', 'two'))).toMatchObject({
        id: person.id,
        signInWays: ['password'],
      })
      expect(await state.people.get(person.id)).toMatchObject({ signInWays: ['password'] })
      expect(await sessionsOf(bench(), person.id)).toEqual(['two'])
      expect(await state.links.find(token)).toBeUndefined()
      await change((unit) => unit.accounts.setPassword(person.id, 'another'))
      expect(await sessionsOf(bench(), person.id)).toEqual([])
      const rows = await state.audit.list({ scope: 'all', limit: 10, resourceId: person.id })
      expect(rows.items.map(({ action }) => action).slice(0, 2)).toEqual(['person.set-password', 'person.set-password'])
      expect(JSON.stringify(rows)).not.toContain('another')
    })

    test('sessions are listed until they expire, fifty of a person are kept, and each can be ended', async () => {
      const { state, change, clock } = bench()
      const person = await add(bench())
      const other = await add(bench())
      await insertSession(state, 'theirs', other.id, clock.now())
      await insertSession(state, 'old', person.id, clock.now() - dayMs)
      for (let i = 0; i < 51; i++) await insertSession(state, `s${i}`, person.id, clock.now() - 1_000 + i)
      expect(await sessionsOf(bench(), person.id)).not.toContain('old')
      const signIn = { sessionId: 's50', method: 'password', userAgent: 'curl' } as const
      await change((unit) => unit.accounts.noteSignIn(person.id, signIn))
      const kept = await sessionsOf(bench(), person.id)
      expect(kept).toHaveLength(50)
      expect(kept[0]).toBe('s50')
      expect(kept).not.toContain('s0')
      expect(await state.people.get(person.id)).toMatchObject({ lastSignInMs: clock.now() })

      await change((unit) => unit.accounts.endSession(person.id, 's3'))
      expect(await refusal(change((unit) => unit.accounts.endSession(person.id, 's3')))).toBe('not_found')
      expect(await refusal(change((unit) => unit.accounts.endSession(person.id, 'theirs')))).toBe('not_found')
      expect(await change((unit) => unit.accounts.endSessions(person.id, 's50'))).toBe(48)
      expect(await sessionsOf(bench(), person.id)).toEqual(['s50'])
      expect(await sessionsOf(bench(), other.id)).toEqual(['theirs'])
    })

    test('who is disabled is signed out and their links are dead; who is removed leaves nothing', async () => {
      const { state, change, clock } = bench()
      const person = await add(bench(), { role: 'viewer' })
      await arrive(bench(), person.id)
      const invite = () => change((unit) => unit.links.issue('password-reset', person.id, dayMs))
      const first = await invite()
      await insertSession(state, 'd1', person.id, clock.now())
      const disabled = await change((unit) => unit.people.update(person.id, { disabled: true }))
      expect(disabled.disabledMs).toBe(clock.now())
      expect(await sessionsOf(bench(), person.id)).toEqual([])
      expect(await state.links.find(first.token)).toBeUndefined()
      expect(await change((unit) => unit.people.update(person.id, { disabled: true }))).toEqual(disabled)
      expect(await change((unit) => unit.people.update(person.id, { disabled: false }))).toMatchObject({
        disabledMs: null,
      })

      const second = await invite()
      await insertSession(state, 'd2', person.id, clock.now())
      await change((unit) => unit.people.remove(person.id))
      expect(await sessionsOf(bench(), person.id)).toEqual([])
      expect(await state.links.find(second.token)).toBeUndefined()
    })

    test('a second factor that is not there cannot be removed', async () => {
      const { change } = bench()
      const person = await add(bench())
      expect(await refusal(change((unit) => unit.accounts.removeSecondFactor(person.id)))).toBe('conflict secondFactor')
    })
  })
}
