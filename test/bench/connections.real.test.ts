import { expect, test } from 'vitest'
import { benchConnections } from '../../bench/connections/connections.ts'

test('a fleet that loses its connections at once comes back whole, and what others send meanwhile is not lost', async () => {
  const args = ['--devices', '300', '--rate', '2000', '--calm', '1']
  const figures = await benchConnections({ args, say: () => {} })
  expect(figures).toMatchObject({ connected: 300, stormConnected: 300, stormLost: 0 })
  expect(Object.keys(figures)).toEqual(expect.arrayContaining(['connectPerS', 'bytesPerConnection']))
})
