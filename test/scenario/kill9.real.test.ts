import { expect, test } from 'vitest'
import { runKill9 } from '../../bench/chaos/kill9.ts'

test('no reading, alert or mail is lost or doubled by five kills under load', { timeout: 300_000 }, async () => {
  const result = await runKill9({ runs: 5, seed: 20_260_101, say: () => {} })
  expect(result.problems).toEqual([])
  expect(result).toMatchObject({ runs: 5, lost: 0, doubled: 0 })
  expect(result).toMatchObject({ alertsLost: 0, alertsDoubled: 0, mailsLost: 0, mailsDoubled: 0 })
  expect(result.acked).toBeGreaterThan(500)
  expect(result.steps).toBeGreaterThan(10)
})
