import { describe, expect, test } from 'vitest'
import type { PersonInput, PersonRecord } from '../../../../store/state/index.ts'
import { type MakeStatePlace, north, refusal, useState, walk } from '../harness.ts'

export function describePeople(make: MakeStatePlace): void {
  describe('people and settings', () => {
    const bench = useState(make)
    const ani: PersonInput = {
      name: 'Ani',
      email: 'Ani@Example.com',
      language: 'id',
      timeZone: 'Asia/Jakarta',
      role: 'operator',
      sites: [north],
    }

    test('a person is found by e-mail address, however it is written', async () => {
      const { state, change, clock } = bench()
      const made = await change((unit) => unit.people.create(ani))
      const fresh = { disabledMs: null, lastSignInMs: null, signInWays: [] }
      expect(made).toEqual({ ...ani, id: made.id, createdMs: clock.now(), hasSecondFactor: false, ...fresh })
      expect(await state.people.get(made.id)).toEqual(made)
      expect(await state.people.findByEmail('ANI@example.COM')).toEqual(made)
    })

    test('an e-mail address belongs to one person', async () => {
      const { change } = bench()
      const again = { ...ani, email: 'ani@EXAMPLE.com' }
      expect(await refusal(change((unit) => unit.people.create(again)))).toBe('conflict email')
      const other = await change((unit) => unit.people.create({ ...ani, email: 'budi@example.com' }))
      const taking = change((unit) => unit.people.update(other.id, { email: 'ani@example.com' }))
      expect(await refusal(taking)).toBe('conflict email')
      const own = await change((unit) => unit.people.update(other.id, { email: 'Budi@example.com', timeZone: null }))
      expect(own).toMatchObject({ email: 'Budi@example.com', timeZone: null })
    })

    test('people are listed page by page and removed', async () => {
      const { state, change } = bench()
      const people = await walk<PersonRecord, string>((after) => state.people.list({ limit: 1, after }))
      expect(people.map((person) => person.name)).toEqual(['Ani', 'Ani'])
      for (const { id } of people) await change((unit) => unit.people.remove(id))
      expect((await state.people.list({ limit: 10 })).items).toEqual([])
      expect(await refusal(change((unit) => unit.people.remove('nobody')))).toBe('not_found')
    })

    test('a setting keeps its newest value', async () => {
      const { state, change } = bench()
      expect(await state.settings.get('welcome')).toBeUndefined()
      for (const value of ['one', 'two']) await change((unit) => unit.settings.set('welcome', value))
      expect(await state.settings.get('welcome')).toBe('two')
    })
  })
}
