import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { Connection } from '../../broker/connection.ts'
import { createRoster } from '../../broker/roster.ts'
import { parseDeviceId } from '../../model/index.ts'

test('who says nothing makes room for others when there are many, and only after a while', () => {
  let nowMs = 0
  const presence = { brokerStarted: () => {}, connected: () => {}, disconnected: () => {} }
  const roster = createRoster(presence, 1_000, () => nowMs)
  const hooks = { received: () => {}, violation: () => {}, closed: roster.remove, acksWaiting: () => {} }
  const open = () => {
    const peer = { address: '10.0.0.1', transport: 'tcp' } as const
    const connection = new Connection(roster.total + 1, new PassThrough(), peer, hooks)
    roster.add(connection)
    return connection
  }
  const identity = { kind: 'device', deviceId: parseDeviceId('m1'), limits: {}, secretId: 's' } as const
  const who = { identity, principal: 'm1', clientId: 'c', origin: Buffer.alloc(0), sinceMs: 0 } as const
  const admitted = open()
  roster.admit(admitted, { ...who, protocol: '3.1.1', cleanSession: true })

  const strangers = Array.from({ length: 150 }, open)
  expect([roster.size, roster.admitted]).toEqual([151, 1])
  expect(strangers.filter(({ destroyed }) => destroyed)).toEqual([])
  nowMs = 5_000
  for (let i = 0; i < 60; i++) open()
  // Each that comes takes the place of the oldest, as long as there are more than a hundred.
  expect(strangers.map(({ destroyed }) => destroyed)).toEqual(strangers.map((_, i) => i < 60))
  expect(admitted.destroyed).toBe(false)
  roster.closeAll('closed by the platform')
})
