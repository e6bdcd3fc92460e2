import { describe, expect, test } from 'vitest'
import type { MqttSessions } from '../../../store/sessions/index.ts'
import { openSessions, temporaryFolder } from './temporary.ts'

const retained = (topic: string, text: string) => ({ topic, payload: Buffer.from(text), qos: 1, retain: true }) as const

const found = (sessions: MqttSessions, filter: string) =>
  [...sessions.retained.matching(filter)].map(({ topic, payload }) => `${topic}=${payload}`)

describe('retained messages', () => {
  test.each([
    ['a/b/', ['a/b/=3']],
    ['a/b/+', ['a/b/=3']],
    ['a/b/#', ['a/b=2', 'a/b/=3']],
    ['a/+', ['a/=6', 'a/b=2', 'a/bc=4']],
    ['a/bc', ['a/bc=4']],
    ['+/b', ['a/b=2']],
    ['#', ['/a=7', 'a=1', 'a/=6', 'a/b=2', 'a/b/=3', 'a/bc=4', 'ä/☃ +&=5']],
    ['+/+', ['/a=7', 'a/=6', 'a/b=2', 'a/bc=4', 'ä/☃ +&=5']],
    ['$x/#', ['$x/y=8']],
    ['ä/+', ['ä/☃ +&=5']],
    ['b/#', []],
  ])('on %s: %j', async (filter, expected) => {
    const sessions = await openSessions({ folder: await temporaryFolder() })
    const topics = ['a', 'a/b', 'a/b/', 'a/bc', 'ä/☃ +&', 'a/', '/a', '$x/y']
    for (const [i, topic] of topics.entries()) sessions.retained.keep(retained(topic, String(i + 1)))
    expect(found(sessions, filter).sort()).toEqual([...expected].sort())
  })

  test('are replaced by the next one, removed by an empty one, and there after a restart', async () => {
    const folder = await temporaryFolder()
    const first = await openSessions({ folder })
    first.retained.keep(retained('a', '1'))
    first.retained.keep(retained('a', '2'))
    first.retained.keep(retained('b', '1'))
    first.retained.keep(retained('b', ''))
    first.retained.keep(retained('c', ''))
    await first.close()
    const second = await openSessions({ folder })
    expect(found(second, '#')).toEqual(['a=2'])
    expect(second.stats()).toMatchObject({ retainedMessages: 1 })
    second.retained.keep(retained('a', ''))
    expect(second.stats()).toMatchObject({ retainedMessages: 0, retainedBytes: 0 })
  })

  test('beyond the bound are refused and counted, and do not leave an older one in their place', async () => {
    const sessions = await openSessions({
      folder: await temporaryFolder(),
      config: { maxRetained: 2, maxRetainedBytes: 200 },
    })
    for (const topic of ['a', 'b', 'c']) sessions.retained.keep(retained(topic, '1'))
    expect(found(sessions, '#')).toEqual(['a=1', 'b=1'])
    sessions.retained.keep(retained('a', 'x'.repeat(300)))
    expect(found(sessions, '#')).toEqual(['b=1'])
    expect(sessions.stats().refused.retained).toBe(2)
  })

  test('are told apart by topics that are longer than a key', async () => {
    const sessions = await openSessions({ folder: await temporaryFolder() })
    const long = `a/${'x'.repeat(3_000)}`
    sessions.retained.keep(retained(`${long}1`, '1'))
    sessions.retained.keep(retained(`${long}2`, '2'))
    expect([...sessions.retained.matching(`${long}2`)].map(({ payload }) => String(payload))).toEqual(['2'])
    expect([...sessions.retained.matching('a/+')]).toHaveLength(2)
    expect([...sessions.retained.matching(`${long}1/#`)]).toHaveLength(1)
  })
})

describe('wills and the fan-out position', () => {
  test('are there after a restart', async () => {
    const folder = await temporaryFolder()
    const first = await openSessions({ folder })
    const message = retained('pel/v1/m/status', 'offline')
    for (const clientId of ['stays', 'goes']) await first.wills.put({ clientId, brokerId: 'b', message })
    expect(first.wills.take('goes')?.clientId).toBe('goes')
    await first.fanout.commitFanout(5_000)
    await first.fanout.commitFanout(4_000)
    await first.close()
    const second = await openSessions({ folder })
    expect([...second.wills.all()].map(({ clientId, brokerId }) => [clientId, brokerId])).toEqual([['stays', 'b']])
    expect(String(second.wills.get('stays')?.message.payload)).toBe('offline')
    expect(second.fanout.fanoutPosition).toBe(5_000)
  })
})
