import { expect, test } from 'vitest'
import { runKillBetween } from '../../bench/chaos/kill-between.ts'

test('killed with a crossing in one store and not in the other, whichever, the alert and its mails appear, once', {
  timeout: 300_000,
}, async () => {
  const result = await runKillBetween({ runs: 3, say: () => {} })
  expect(result.problems).toEqual([])
  // Each crossing begins an alert and ends it.
  expect(result).toMatchObject({ runs: 3, acked: 7, lost: 0, doubled: 0, steps: 6 })
  expect(result).toMatchObject({ alertsLost: 0, alertsDoubled: 0, mailsLost: 0, mailsDoubled: 0 })
})
