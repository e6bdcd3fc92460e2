import { describe, expect, test } from 'vitest'
import { createInterest } from '../../broker/interest.ts'

const packet = {
  cmd: 'publish',
  topic: 't',
  payload: Buffer.from('x'),
  qos: 1,
  retain: false,
  dup: false,
  brokerId: 'b',
  brokerCounter: 1,
} as const

const turn = () => new Promise(setImmediate)

/** A bus with subscribers that take what they get with this QoS, when the test says so. */
function setUp(...qos: readonly (number | undefined)[]) {
  const interest = createInterest({ subscriptionsByTopic: async () => [] })
  const taken: (() => void)[] = []
  for (const each of qos) {
    interest.bus.on('t', (_packet, done) => {
      if (each !== undefined) interest.passes(each)
      taken.push(done)
    })
  }
  let dones = 0
  interest.bus.emit(packet, () => dones++)
  return { taken, dones: () => dones }
}

describe('a message is with its subscribers', () => {
  test('at once when there are none', () => {
    expect(setUp().dones()).toBe(1)
  })

  test.each([1, 2])('of QoS %i when the last of them has taken it', async (qos) => {
    const { taken, dones } = setUp(qos, qos)
    taken[0]?.()
    await turn()
    expect(dones()).toBe(0)
    taken[1]?.()
    expect(dones()).toBe(1)
  })

  test('of QoS 0, or who may not have it, whether they take it or not', async () => {
    const { taken, dones } = setUp(0, undefined)
    expect(dones()).toBe(0)
    await turn()
    expect(dones()).toBe(1)
    for (const take of taken) take()
    expect(dones()).toBe(1)
  })

  test('of different QoS when those above 0 have taken it', async () => {
    const { taken, dones } = setUp(0, 1)
    await turn()
    expect(dones()).toBe(0)
    taken[1]?.()
    expect(dones()).toBe(1)
  })
})
