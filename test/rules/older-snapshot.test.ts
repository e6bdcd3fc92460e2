import { pino } from 'pino'
import { expect, test } from 'vitest'
import type { Transition } from '../../model/index.ts'
import { createRuleEngine } from '../../rules/index.ts'
import { deviceRecord, metricName, noon, second, story } from './script.ts'

/**
 * Made when the memory kept healthy series too: at 10 s the device m1, whose `current` of 5 A is well under the rule
 * `much`, and whose `voltage` of 255 V fires the rule `over`.
 */
const snapshot = Buffer.from(
  [
    'AQAAAAAAUXKEIHpCAAAAAACIw0ACAAAA2gAAAHsiaWQiOiJtdWNoIiwibmFtZSI6Im11Y2giLCJ2ZXJzaW9uIjoxLCJlbmFibGVkIjp0cnVlLC',
    'JhcHBsaWVzVG8iOnsicHJvZmlsZSI6Im1ldGVyLTFwaCJ9LCJjb25kaXRpb24iOnsibWV0cmljIjoiY3VycmVudCIsIm9wIjoiPiIsImxldmVs',
    'cyI6W3sic2V2ZXJpdHkiOiJ3YXJuaW5nIiwidmFsdWUiOjYwLCJjbGVhciI6NTd9XX0sImZvck1zIjowLCJrZWVwRmlyaW5nRm9yTXMiOjB93A',
    'AAAHsiaWQiOiJvdmVyIiwibmFtZSI6Im92ZXIiLCJ2ZXJzaW9uIjoxLCJlbmFibGVkIjp0cnVlLCJhcHBsaWVzVG8iOnsicHJvZmlsZSI6Im1l',
    'dGVyLTFwaCJ9LCJjb25kaXRpb24iOnsibWV0cmljIjoidm9sdGFnZSIsIm9wIjoiPiIsImxldmVscyI6W3sic2V2ZXJpdHkiOiJ3YXJuaW5nIi',
    'widmFsdWUiOjI1MywiY2xlYXIiOjI1MH1dfSwiZm9yTXMiOjAsImtlZXBGaXJpbmdGb3JNcyI6MH0BAAAAdgAAAHsiaWQiOiJtZXRlci0xcGgi',
    'LCJyZXBvcnRpbmdJbnRlcnZhbE1zIjo2MDAwMCwibWV0cmljcyI6W3sibmFtZSI6InZvbHRhZ2UiLCJ1bml0IjoiViJ9LHsibmFtZSI6ImN1cn',
    'JlbnQiLCJ1bml0IjoiQSJ9XX0BAAAAAgAAAG0xAQAAAAQAAABtYWluCQAAAG1ldGVyLTFwaAAAUXKEIHpCAADgb4QgekIAAAAAAgAAAAcAAABj',
    'dXJyZW50AABRcoQgekIAAAAABwAAAHZvbHRhZ2UAAFFyhCB6QgEAAAAAAOBvhCB6QgAAAAAA4G9AAAAAAAEAAAAEAAAAb3ZlcgAAAAAAAPh/AA',
    'AAAAAAUXKEIHpCAQAAAAAAAAAAAPh/AAAAAAIAAAABAAAAAAAAAAAA+H8aAAAANzIyOTc1NmUwN2E3ODRlMzJiMDgzZTkyNDEBAAAAAABRcoQg',
    'ekI=',
  ].join(''),
  'base64',
)

test('a snapshot with healthy series in it is read, and its alert goes on as the same one', async () => {
  const told: Transition[] = []
  const sink = {
    position: async () => 500,
    record: async (transitions: readonly Transition[]) => {
      told.push(...transitions)
    },
  }
  const engine = createRuleEngine({ sink, logger: pino({ level: 'silent' }) })
  await engine.open()
  engine.decode(snapshot)
  const watch = engine.watch(deviceRecord('m1', 1), ['current', 'voltage'].map(metricName))
  expect([...(watch?.calm ?? [])]).toEqual([
    Number.NEGATIVE_INFINITY,
    60,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
  ])
  engine.beginFrame(noon + 20 * second, 600)
  watch?.seen()
  watch?.take(0, noon + 20 * second, 61, 0)
  watch?.take(1, noon + 20 * second, 250, 0)
  await engine.commit(600)
  expect(story(told)).toEqual(['20s firing warning much m1.current=61', '20s resolved warning over m1.voltage=250'])
  expect(told[1]).toMatchObject({ alertId: '7229756e07a784e32b083e9241', ordinal: 1 })
})
