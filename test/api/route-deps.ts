import { pino } from 'pino'
import { Registry } from 'prom-client'
import { createPeopleAccess } from '../../api/auth/people-access.ts'
import { createChanges } from '../../api/changes.ts'
import { apiConfigSchema } from '../../api/config.ts'
import { createInventory } from '../../api/inventory.ts'
import { createPlaces } from '../../api/live/places.ts'
import { createLiveStreams } from '../../api/live-streams.ts'
import type { RouteDeps } from '../../api/route-deps.ts'
import { createMemoryCache } from '../../store/cache/index.ts'
import type { Harness } from './harness.ts'

/** For tests that look at the routes themselves. */
export function routeDepsOf({ state, fake, clock }: Harness): RouteDeps {
  const registry = new Registry()
  const logger = pino({ level: 'silent' })
  const changes = createChanges(state, { flush: async () => undefined })
  const accountSecret = new Uint8Array(32)
  const ofPeople = { state, changes, accountSecret, metrics: registry, logger, clock }
  return {
    state,
    inventory: createInventory(state),
    changes,
    peers: fake.peers,
    people: createPeopleAccess(apiConfigSchema.parse({}), ofPeople),
    live: createLiveStreams(
      { pollMs: 1_000, heartbeatMs: 1_000 },
      { places: createPlaces({ ofOwner: 1, inAll: 1 }), accessVersion: async () => '' },
    ),
    hub: { open: () => new ReadableStream<Uint8Array>() },
    cache: createMemoryCache({ maxBytes: 1_000 }),
    validateRule: () => [],
    checkTelemetry: async () => [],
    recordedCheckpoints: async () => [],
    registry,
    clock,
    peerTimeoutMs: 100,
    anonymous: ['docs', 'metrics'],
    answerTimeoutMs: 1_000,
    version: '0',
  }
}
