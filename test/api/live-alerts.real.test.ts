import { describe, expect, test } from 'vitest'
import { formatCursor, parseCursor } from '../../api/live/cursor.ts'
import { parseDeviceId } from '../../model/index.ts'
import { waitUntil } from '../setup/wait.ts'
import { transition } from '../store/state/harness.ts'
import { other, useLive } from './live-world.ts'

const world = useLive()
const { follow, record, recordAll } = world

describe('alerts', () => {
  test('come step by step, with the alert as it is; one that does not fire leaves nothing', async () => {
    const stream = await follow('?kinds=alerts')
    await stream.until('ready')
    await record('a1', 0)
    await record('a1', 1)
    const [fired] = await stream.until('alert')
    expect(fired?.data).toMatchObject({
      step: { kind: 'firing' },
      alert: { id: 'a1', state: 'firing', siteId: 'main', deviceId: 'm1' },
    })
    await world.api.post('/api/v1/alerts/a1/acknowledge', undefined)
    await world.api.post('/api/v1/alerts/a1/comments', { text: 'On my way.' })
    const steps = await stream.until('alert', 3)
    expect(steps.map(({ data }) => data.step.kind)).toEqual(['firing', 'acknowledged', 'commented'])
    stream.stop()
  })

  test('are told once each, however often the stream breaks and the platform starts anew', async () => {
    const seen: number[] = []
    let id: string | undefined
    for (let round = 0; round < 6; round++) {
      const stream = await follow('?kinds=alerts', { id })
      await stream.until('ready')
      for (let i = 0; i < 3; i++) {
        const alert = `b${round}-${i}`
        await record(alert, 0)
        await record(alert, 1)
      }
      // It breaks somewhere: before, between or behind them.
      if (round % 2 === 0) await stream.until('alert', round === 0 ? 1 : 2)
      stream.stop()
      seen.push(...stream.events('alert').map(({ data }) => data.step.id))
      id = stream.lastId()
    }
    const last = await follow('?kinds=alerts', { id })
    await waitUntil('a heartbeat', () => last.text.includes('\n:\n'))
    seen.push(...last.events('alert').map(({ data }) => data.step.id))
    last.stop()
    expect(seen).toHaveLength(18)
    expect(seen).toEqual([...new Set(seen)].toSorted((a, b) => a - b))
    expect(last.events('reset')).toEqual([])
  })

  test('that are too many, too old or of another platform are a reset', async () => {
    const probe = await follow('?kinds=alerts')
    const [ready] = await probe.until('ready')
    probe.stop()
    const now = parseCursor(ready?.id ?? '')
    if (now === undefined) throw new Error('no cursor')
    const { home } = now
    const elsewhere = formatCursor({ ...now, home: home === 'a1b2c3d4' ? 'b' : 'a1b2c3d4' })
    const ahead = [`${now.alerts + 7}.0.0.0.x.${home}`, `999999999999999.0.0.0.x.${home}`]
    for (const id of ['x', '', '1.2.3', `${now.alerts}.0.0.0.x`, elsewhere, ...ahead]) {
      const stream = await follow('?kinds=alerts', { id })
      expect([id, (await stream.until('reset')).map(({ data }) => data)]).toEqual([id, [{ kind: 'alerts' }]])
      // From here on it is exact again.
      expect(parseCursor(stream.lastId())?.alerts).toBe(now.alerts)
      stream.stop()
    }
    const many = Array.from({ length: 1_101 }, (_, i) => transition(`m${i}`, 1, { kind: 'firing' }))
    const watching = await follow('?kinds=alerts')
    await watching.until('ready')
    await recordAll(many)
    // Else the next one could come before they have been looked at, and would see them come.
    await watching.until('alert', many.length)
    watching.stop()
    const stream = await follow('?kinds=alerts', { id: ready?.id })
    await stream.until('reset')
    expect(stream.events('alert')).toEqual([])
    stream.stop()
  })

  test('are filtered by site, device, severity and state', async () => {
    const ofElse = await world.api.issueKey({ sites: [other] })
    const streams = {
      else: await follow('?kinds=alerts', { key: ofElse }),
      m1: await follow('?kinds=alerts&device=m1'),
      critical: await follow('?kinds=alerts&severity=critical,info'),
      resolved: await follow('?kinds=alerts&state=resolved'),
    }
    for (const stream of Object.values(streams)) await stream.until('ready')
    await record('c1', 0)
    await record('c1', 1, { severity: 'warning' })
    await record('c2', 0, { siteId: other, deviceId: parseDeviceId('m2') })
    await record('c2', 1, { siteId: other, deviceId: parseDeviceId('m2'), severity: 'critical' })
    await streams.else.until('alert')
    await record('c1', 3, { severity: 'warning', reason: 'condition_cleared' })
    await streams.resolved.until('alert')
    const seen = Object.fromEntries(
      Object.entries(streams).map(([name, stream]) => [
        name,
        stream.events('alert').map(({ data }) => `${data.alert.id} ${data.step.kind}`),
      ]),
    )
    expect(seen).toEqual({
      else: ['c2 firing'],
      m1: ['c1 firing', 'c1 resolved'],
      critical: ['c2 firing'],
      resolved: ['c1 resolved'],
    })
    for (const stream of Object.values(streams)) stream.stop()
  })
})
