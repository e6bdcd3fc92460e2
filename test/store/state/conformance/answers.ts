import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { NamedRequest } from '../../../../store/state/index.ts'
import { type MakeStatePlace, refusal, site, useState } from '../harness.ts'

const dayMs = 86_400_000

export function describeAnswers(make: MakeStatePlace): void {
  describe('answers to requests that name themselves', () => {
    const bench = useState(make)
    const named = (name: string, content = 'make a site', id = 'somebody'): NamedRequest => ({
      principal: { kind: 'key', id },
      name,
      content: Buffer.from(content),
    })

    test('results are known with the change, and the answer in their place', async () => {
      const { state, change } = bench()
      const request = named('first')
      expect(await state.answers.find(request)).toBeUndefined()
      await change((unit) => unit.answers.keepResults(request, [{ id: 'a' }]))
      expect(await state.answers.find(request)).toEqual({ kind: 'results', results: [{ id: 'a' }] })
      await change((unit) => unit.answers.keepResults(request, [{ id: 'a' }, null]))
      expect(await state.answers.find(request)).toEqual({ kind: 'results', results: [{ id: 'a' }, null] })
      await state.answers.keepAnswer(request, { status: 201 })
      expect(await state.answers.find(request)).toEqual({ kind: 'answer', answer: { status: 201 } })
    })

    test('a change that fails leaves no results, and results that cannot be kept no change', async () => {
      const { state, change } = bench()
      const request = named('failing')
      const failing = change(async (unit) => {
        await unit.answers.keepResults(request, [1])
        throw new Error('no')
      })
      await expect(failing).rejects.toThrow('no')
      expect(await state.answers.find(request)).toBeUndefined()
      await change((unit) => unit.answers.keepResults(request, [1]))
      const again = change(async (unit) => {
        await unit.sites.create(site('twice'))
        await unit.answers.keepResults(request, [2])
      })
      expect(await refusal(again)).toBe('conflict Idempotency-Key')
      expect(await state.sites.get(site('twice').id)).toBeUndefined()
      expect(await state.answers.find(request)).toEqual({ kind: 'results', results: [1] })
    })

    test('a name belongs to one request of one principal', async () => {
      const { state } = bench()
      await state.answers.keepAnswer(named('mine'), 1)
      expect(await state.answers.find(named('mine', 'something else'))).toEqual({ kind: 'another' })
      expect(await refusal(state.answers.keepAnswer(named('mine', 'something else'), 2))).toBe(
        'conflict Idempotency-Key',
      )
      expect(await state.answers.find(named('mine', 'make a site', 'another'))).toBeUndefined()
      await state.answers.keepAnswer(named('mine', 'something else', 'another'), 3)
      expect(await state.answers.find(named('mine'))).toEqual({ kind: 'answer', answer: 1 })
    })

    test('an answer is known for a day, and its name is free then', async () => {
      const { state, clock, change } = bench()
      const beganMs = clock.now()
      await state.answers.keepAnswer(named('old'), 1)
      clock.set(beganMs + dayMs - 1)
      expect(await state.answers.find(named('old'))).toBeDefined()
      clock.set(beganMs + dayMs)
      expect(await state.answers.find(named('old'))).toBeUndefined()
      await change((unit) => unit.answers.keepResults(named('old', 'something else'), [2]))
      expect(await state.answers.find(named('old', 'something else'))).toEqual({ kind: 'results', results: [2] })
      expect(await state.answers.trim()).toBeGreaterThan(0)
      expect(await state.answers.trim()).toBe(0)
      expect(await state.answers.find(named('old', 'something else'))).toBeDefined()
    })

    test('a principal has so many, and so many bytes of them; the oldest of its own make room', async () => {
      const { state, clock, change } = bench()
      await state.answers.keepAnswer(named('of another', '', 'quiet'), 1)
      const keep = async (prefix: string, count: number, result: unknown) => {
        let removed = 0
        for (let i = 0; i < count; i++) {
          clock.set(clock.now() + 1)
          removed += await change((unit) => unit.answers.keepResults(named(`${prefix}-${i}`, '', 'busy'), [result]))
        }
        return removed
      }
      const known = async (prefix: string, count: number) => {
        const found = await Promise.all(
          Array.from({ length: count }, (_, i) => state.answers.find(named(`${prefix}-${i}`, '', 'busy'))),
        )
        return found.flatMap((one, i) => (one === undefined ? [] : [i]))
      }
      // Room is made each 128th time.
      expect(await keep('small', 256, 0)).toBeGreaterThan(128)
      const left = await known('small', 256)
      expect(left.length).toBeLessThanOrEqual(40 + 128)
      expect(left.at(-1)).toBe(255)
      expect(left).toEqual(left.map((_, i) => 256 - left.length + i))
      await keep('large', 128, randomBytes(600).toString('base64'))
      expect((await known('large', 128)).length).toBeLessThan(128)
      expect(await state.answers.find(named('of another', '', 'quiet'))).toBeDefined()
    })
  })
}
