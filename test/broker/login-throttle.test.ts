import { describe, expect, test, vi } from 'vitest'
import { createLoginThrottle } from '../../broker/login-throttle.ts'

const here = '10.0.0.1'

function createBench() {
  let nowMs = 0
  const throttle = createLoginThrottle({ delayMs: 5_000 }, () => nowMs)
  /** Whether it may try, and if so whether it is told at once that it was wrong. */
  const guess = async (name: string, address: string | undefined = here): Promise<'shut' | 'at once' | 'later'> => {
    if (!throttle.mayTry({ name, address })) return 'shut'
    let answered = false
    throttle.failed({ name, address }).then(() => {
      answered = true
    })
    await Promise.resolve()
    await Promise.resolve()
    return answered ? 'at once' : 'later'
  }
  const guesses = async (count: number, name: string, address?: string) => {
    const answers: string[] = []
    for (let i = 0; i < count; i++) answers.push(await guess(name, address))
    return answers
  }
  return {
    throttle,
    guess,
    guesses,
    pass: (ms: number) => {
      nowMs += ms
    },
  }
}

describe('wrong passwords', () => {
  test('of one name from one network are answered ever later, and then not looked at', async () => {
    const { throttle, guesses } = createBench()
    const answers = await guesses(30, 'meter-1')
    expect(answers).toEqual([...Array(5).fill('at once'), ...Array(20).fill('later'), ...Array(5).fill('shut')])
    expect(throttle.refusedTotal).toBe(5)
    throttle.stop()
  })

  test('shut nobody else out: not another name there, nor the same name elsewhere', async () => {
    const { throttle, guesses } = createBench()
    await guesses(30, 'meter-1')
    expect(throttle.mayTry({ name: 'meter-2', address: here })).toBe(true)
    expect(throttle.mayTry({ name: 'meter-1', address: '10.0.0.2' })).toBe(true)
    expect(await guesses(1, 'meter-1', '10.0.0.2')).toEqual(['at once'])
    throttle.stop()
  })

  test('are counted for the /64 of an address of IPv6, and for IPv4 in its clothes', async () => {
    const { throttle, guesses } = createBench()
    await guesses(25, 'meter-1', '2001:db8::1')
    expect(throttle.mayTry({ name: 'meter-1', address: '2001:db8::ffff:1' })).toBe(false)
    expect(throttle.mayTry({ name: 'meter-1', address: '2001:db8:0:1::1' })).toBe(true)
    await guesses(25, 'meter-2')
    expect(throttle.mayTry({ name: 'meter-2', address: `::ffff:${here}` })).toBe(false)
    throttle.stop()
  })

  test('are forgotten after a minute, and those that wait are answered in the end', async () => {
    vi.useFakeTimers()
    try {
      const { throttle, guess, guesses, pass } = createBench()
      await guesses(25, 'meter-1')
      expect(await guess('meter-1')).toBe('shut')
      vi.advanceTimersByTime(5_000)
      expect(await guess('meter-1')).toBe('later')
      pass(60_000)
      expect(await guess('meter-1')).toBe('at once')
      throttle.stop()
    } finally {
      vi.useRealTimers()
    }
  })

  test('under names that are none share one count, and no memory grows with them', async () => {
    const { throttle, guesses } = createBench()
    for (let i = 0; i < 5; i++) expect(await guesses(1, `no name ${i}`)).toEqual(['at once'])
    expect(await guesses(1, 'x'.repeat(60_000))).toEqual(['later'])
    for (let i = 0; i < 20_000; i++) await guesses(1, `name-${i}`)
    // The oldest were forgotten, so it begins anew.
    expect(await guesses(1, 'no name')).toEqual(['at once'])
    throttle.stop()
  })
})
