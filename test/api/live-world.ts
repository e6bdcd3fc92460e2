import { afterAll, beforeAll, beforeEach } from 'vitest'
import { parseDeviceId, parseMetricName, parseSiteId, type SiteId } from '../../model/index.ts'
import { waitUntil } from '../setup/wait.ts'
import { transition } from '../store/state/harness.ts'
import { followText } from './follow-text.ts'
import { type Harness, startApi, startMs } from './harness.ts'
import { type EventName, eventsIn, type LiveEvent, namesIn } from './live-events.ts'

export const main = parseSiteId('main')
export const other = parseSiteId('else')

export const named = (deviceId: string, siteId: SiteId, metric: string) => ({
  deviceId: parseDeviceId(deviceId),
  siteId,
  metric: parseMetricName(metric),
})

export const presence = (deviceId: string, siteId: SiteId, online: boolean) => ({
  deviceId: parseDeviceId(deviceId),
  siteId,
  online,
  lastSeenMs: startMs,
})

/** An API whose streams look often, with a device of each of two sites; one for all tests of a file. */
export function useLive() {
  let api: Harness
  let position = 0

  beforeAll(async () => {
    api = await startApi({
      livePollMs: 5,
      liveHeartbeatMs: 40,
      liveStreams: 40,
      liveStreamsPerPrincipal: 8,
      peerTimeoutMs: 50,
    })
    await api.post('/api/v1/sites', { id: 'else', name: 'Else', timeZone: 'UTC', currency: 'USD' })
    await api.post('/api/v1/devices', { id: 'm1', profileId: 'meter-1ph' })
    await api.post('/api/v1/devices', { id: 'm2', profileId: 'meter-1ph', siteId: 'else' })
  })
  afterAll(() => api.stop())

  beforeEach(() => {
    const { live } = api.fake
    live.latest = []
    live.held = []
    live.values = []
    live.names.clear()
    live.names.set(1, named('m1', main, 'voltage'))
    live.names.set(2, named('m1', main, 'power'))
    live.names.set(3, named('m2', other, 'voltage'))
    live.registryVersion++
  })

  return {
    get api() {
      return api
    },

    /** Follows the stream; its events as they come. */
    async follow(query = '', { key = api.adminKey, id }: { key?: string; id?: string | undefined } = {}) {
      const headers = { authorization: `Bearer ${key}`, ...(id !== undefined && { 'last-event-id': id }) }
      const stream = await followText(`${api.url}/api/v1/live${query}`, headers)
      const events = <Name extends EventName>(name: Name): readonly LiveEvent<Name>[] => eventsIn(stream.text, name)
      return Object.assign(stream, {
        events,
        names: () => namesIn(stream.text),
        /** The newest id, also of heartbeats. */
        lastId: () => [...stream.text.matchAll(/^id: (.*)$/gm)].at(-1)?.[1] ?? '',
        until: <Name extends EventName>(name: Name, count = 1) =>
          waitUntil(`${count} ${name}`, () => {
            const found = events(name)
            return found.length >= count && found
          }),
      })
    },

    /** One step of an alert, as the rules record it. */
    async record(alert: string, ordinal: number, more: Partial<Parameters<typeof transition>[2]> = {}) {
      const kind = (['pending', 'firing', 'severity'] as const)[ordinal] ?? 'resolved'
      await recordAll([transition(alert, ordinal, { kind, deviceId: parseDeviceId('m1'), siteId: main, ...more })])
    },

    recordAll,

    async reject(deviceId: string, detail: string, count = 1) {
      const row = { timeMs: startMs, deviceId: parseDeviceId(deviceId), clientId: 'c', topic: 't', reason: 'not_json' }
      const rows = Array.from({ length: count }, () => ({ ...row, detail, payload: Buffer.from('{') }))
      await api.state.ledger.commit('live', (await api.state.ledger.position('live')) + 1, rows)
    },
  }

  async function recordAll(transitions: readonly ReturnType<typeof transition>[]): Promise<void> {
    await api.state.alertLedger.record(transitions, ++position)
  }
}
