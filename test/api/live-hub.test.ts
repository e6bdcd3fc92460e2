import { pino } from 'pino'
import { expect, test } from 'vitest'
import type { Cursor } from '../../api/live/cursor.ts'
import { createHub } from '../../api/live/hub.ts'
import { createPlaces } from '../../api/live/places.ts'
import type { Source } from '../../api/live/source.ts'
import { Values } from '../../api/live/values.ts'
import type { AlertNews } from '../../store/state/index.ts'
import { waitUntil } from '../setup/wait.ts'
import { transition } from '../store/state/harness.ts'

const start: Cursor = { alerts: 0, rejected: 0, values: 0, presence: 0, run: 'r', home: 'h' }

/** Steps of alerts, one with each look, as a source tells them; who comes back meets a damaged row. */
function createSteps() {
  let cursor = start
  const { evidence } = transition('a', 1)
  const alert = {
    ...{ number: 1, ruleVersion: 1, ruleName: 'R', severity: 'warning', state: 'firing', startedMs: 0, firedMs: 0 },
    ...{ resolvedMs: null, value: 1, evidence, acknowledgedMs: null, acknowledgedBy: null, resolveReason: null },
    ...{ resolution: null, rootCause: null, metric: null, siteId: 'main', deviceId: 'm1', ruleId: 'r', id: 'a' },
  }
  const by = { kind: 'key', id: 'k' }
  const news = (id: number) => ({ event: { id, timeMs: 0, kind: 'commented', by, text: 'x' }, alert }) as never
  const source: Source = {
    get cursor() {
      return cursor
    },
    begin: async () => {},
    async poll() {
      const before = cursor
      cursor = { ...cursor, alerts: cursor.alerts + 1 }
      const alerts: AlertNews[] = [news(cursor.alerts)]
      return { before, cursor, alerts, rejected: [], passedOver: false, presence: [], values: new Values([]) }
    },
    alertsSince: async () => {
      throw new Error('a damaged row')
    },
    rejectedSince: async () => [],
    presenceSince: () => [],
    valuesSince: async () => [],
    latest: async () => [],
  }
  return source
}

test('a stream that cannot catch up ends alone: the others are told each step once', async () => {
  const source = createSteps()
  const hub = createHub(
    { pollMs: 2, heartbeatMs: 1_000, patienceMs: 1_000 },
    {
      source,
      accessVersion: async () => '1',
      places: createPlaces({ ofOwner: 10, inAll: 10 }),
      metrics: { cut: () => {} },
      logger: pino({ level: 'silent' }),
    },
  )
  const open = (lastEventId?: string) => {
    const view = { sites: 'all', kinds: ['alerts'] } as const
    const stream = hub.open({ view, owner: 'o', lastEventId, stillAllowed: async () => true, cut: () => {} })
    const seen = { text: '', ended: false }
    void (async () => {
      for await (const chunk of stream) seen.text += Buffer.from(chunk).toString()
      seen.ended = true
    })()
    return seen
  }
  const steady = open()
  const ids = () => [...steady.text.matchAll(/^event: alert\nid: (\d+)\./gm)].map(([, id]) => Number(id))
  await waitUntil('it to be told', () => ids().length > 3)
  const broken = open('1.0.0.0.r')
  await waitUntil('the other to end', () => broken.ended)
  const until = source.cursor.alerts + 5
  await waitUntil('what came later', () => (ids().at(-1) ?? 0) > until)
  hub.stop()
  const [first = 0] = ids()
  expect(ids()).toEqual(Array.from({ length: ids().length }, (_, i) => first + i))
})
