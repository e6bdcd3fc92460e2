import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  idPattern,
  isDeviceId,
  nativeTopic,
  parseDeviceId,
  parseScalarTopic,
  resolveTopic,
  type TopicRules,
} from '../../model/index.ts'

const rules: TopicRules = {
  scalarTopics: [parseScalarTopic('panel/{device}/{metric}'), parseScalarTopic('{metric}/of/{device}')],
  metricNames: new Map([['volt', 'voltage']]),
}
const m1 = parseDeviceId('m1')
const deviceIds = fc.stringMatching(idPattern).filter(isDeviceId)

describe('native topics', () => {
  test.each([
    [nativeTopic.telemetry(m1), { kind: 'telemetry', deviceId: 'm1' }],
    [nativeTopic.status(m1), { kind: 'status', deviceId: 'm1' }],
    [nativeTopic.info(m1), { kind: 'info', deviceId: 'm1' }],
    ['pel/v1/m1/commands/c-7/ack', { kind: 'command-ack', deviceId: 'm1', commandId: 'c-7' }],
  ])('%s means what its last level says', (topic, meaning) => {
    expect(resolveTopic(topic, rules)).toEqual(meaning)
  })

  test.each([
    'pel/v1/',
    'pel/v1/m1',
    'pel/v1/m1/',
    'pel/v1/m1/telemetry/',
    'pel/v1/m1/telemetry/extra',
    'pel/v1//telemetry',
    'pel/v1/alerts/telemetry',
    'pel/v1/key:x/telemetry',
    'pel/v1/m1/Telemetry',
    'pel/v1/m1/commands',
    'pel/v1/m1/commands/c-7',
    'pel/v1/m1/commands//ack',
    'pel/v1/m1/commands/c-7/ack/more',
    'pel/v2/m1/telemetry',
    '/pel/v1/m1/telemetry',
    '',
  ])('%j means nothing', (topic) => {
    expect(resolveTopic(topic, rules)).toBeUndefined()
  })

  test('what is written for any device is read back as its own', () => {
    fc.assert(
      fc.property(deviceIds, deviceIds, (deviceId, commandId) => {
        expect(resolveTopic(nativeTopic.telemetry(deviceId), rules)).toEqual({ kind: 'telemetry', deviceId })
        const ack = `${nativeTopic.command(deviceId, commandId)}/ack`
        expect(resolveTopic(ack, rules)).toEqual({ kind: 'command-ack', deviceId, commandId })
      }),
    )
  })

  test('the native branch is never read by a configured pattern', () => {
    const greedy = { ...rules, scalarTopics: [parseScalarTopic('{device}/v1/m1/{metric}')] }
    expect(resolveTopic('pel/v1/m1/volt', greedy)).toBeUndefined()
    expect(resolveTopic('abc/v1/m1/volt', greedy)).toEqual({ kind: 'scalar', deviceId: 'abc', metric: 'voltage' })
  })
})

describe('one value per topic', () => {
  test('the placeholders are the device and the metric, by our name for it', () => {
    const meaning = (metric: string) => ({ kind: 'scalar', deviceId: 'trafo1', metric })
    expect(resolveTopic('panel/trafo1/volt', rules)).toEqual(meaning('voltage'))
    expect(resolveTopic('panel/trafo1/energy_cost', rules)).toEqual(meaning('energy_cost'))
    expect(resolveTopic('volt/of/trafo1', rules)).toEqual(meaning('voltage'))
  })

  test.each([
    'panel/trafo1',
    'panel/trafo1/volt/x',
    'Panel/trafo1/volt',
    'panel/bad id/volt',
    'panel//volt',
    'panel/alerts/volt',
  ])('%j is nobody’s value', (topic) => {
    expect(resolveTopic(topic, rules)).toBeUndefined()
  })

  test.each([
    'panel/{device}',
    'panel/{metric}',
    'panel/+/{device}/{metric}',
    'panel/{device}/{metric}/#',
    'panel/{device}-x/{metric}',
    'panel/{device}/{unit}/{metric}',
    '$SYS/{device}/{metric}',
    'pel/v1/{device}/{metric}',
    '{device}{metric}',
    'panel/{device}/{device}/{metric}',
    'panel/{metric}/{device}/{metric}',
    '',
  ])('%j is no pattern', (pattern) => {
    expect(() => parseScalarTopic(pattern)).toThrow('parse scalar topic')
  })

  test('any topic is resolved or not, never an error, and always to a device id', () => {
    const levels = fc.oneof(
      fc.constantFrom('panel', 'pel', 'v1', 'of', '', 'm1', 'commands', 'ack'),
      fc.string({ unit: 'binary' }),
    )
    fc.assert(
      fc.property(fc.array(levels, { maxLength: 8 }), (parts) => {
        const meaning = resolveTopic(parts.join('/'), rules)
        if (meaning !== undefined) expect(isDeviceId(meaning.deviceId)).toBe(true)
      }),
    )
  })
})
