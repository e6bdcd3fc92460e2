import type { Logger } from 'pino'
import { caughtUp, eventsOf, type Place } from './catch-up.ts'
import { type Cursor, formatCursor } from './cursor.ts'
import type { LiveMetrics } from './live-metrics.ts'
import { createOutlet, type Outlet } from './outlet.ts'
import type { Places } from './places.ts'
import type { News, Source } from './source.ts'
import { keyOf, type LiveKind, type View } from './view.ts'

export interface HubConfig {
  readonly pollMs: number
  /** A stream says that it is there this often, and it is looked at whether its client may still see it. */
  readonly heartbeatMs: number
  /** A client that takes nothing for so long loses its connection. */
  readonly patienceMs: number
}

export interface HubDeps {
  readonly source: Source
  /** Another text after every change to who may see what. */
  accessVersion(): Promise<string>
  readonly places: Places
  readonly metrics: LiveMetrics
  readonly logger: Logger
}

export interface OpenedView {
  readonly view: View
  /** Whose stream it is. */
  readonly owner: string
  /** Of the last event that the client has; undefined: it has none. */
  readonly lastEventId: string | undefined
  /** Whether the client may still see what it is shown. */
  stillAllowed(): Promise<boolean>
  /** Closes its connection at once, whatever waits for it. */
  cut(): void
}

/** All streams that follow what happens. One look at each source serves them all, however many there are. */
export interface Hub {
  /** Throws a problem when there are too many streams. */
  open(opened: OpenedView): ReadableStream<Uint8Array>
  /** Ends all of them, and rests. */
  stop(): void
}

interface Member extends OpenedView {
  readonly key: string
  readonly outlet: Outlet
  /** Undefined: it has everything up to the source's cursor. */
  place: Place | undefined
  silentMs: number
  uncheckedMs: number
  stuckMs: number
  end(): void
}

/** Streams that catch up in one turn, so that a crowd that comes back does not hold up the others. */
const catchingUpAtOnce = 50
/** While so much waits for clients, nobody catches up: what that makes is for one client alone. */
const mostWaitingBytes = 64 * 1024 * 1024
/** So many looks in a row may fail; then all streams end. */
const mostFailures = 20
/** A client comes back after a second or two; not all of them at once. */
const retryMs = { least: 1_000, spread: 1_500 } as const

export function createHub(
  { pollMs, heartbeatMs, patienceMs }: HubConfig,
  { source, accessVersion, places, metrics, logger }: HubDeps,
): Hub {
  const members = new Set<Member>()
  let timer: NodeJS.Timeout | undefined
  let running = false
  let failures = 0
  let opened = 0
  let seenVersion: string | undefined

  function send(member: Member, text: string | Uint8Array): void {
    member.outlet.send(typeof text === 'string' ? Buffer.from(text) : text)
    member.silentMs = 0
  }

  /** What is made for a view is made once. */
  function tell(news: News): void {
    const made = new Map<string, Uint8Array | undefined>()
    for (const member of members) {
      if (member.place !== undefined) continue
      if (member.outlet.isFull) {
        // It gets the rest when it has taken what it has.
        member.place = { kind: 'caught', cursor: news.before }
        continue
      }
      const { key, view } = member
      if (!made.has(key)) {
        const text = eventsOf(view, news)
        made.set(key, text === '' ? undefined : Buffer.from(text))
      }
      const bytes = made.get(key)
      if (bytes !== undefined) send(member, bytes)
    }
  }

  async function catchUp(): Promise<void> {
    const behind = [...members].filter(({ place, outlet }) => place !== undefined && outlet.isEmpty)
    let waitingBytes = 0
    for (const { outlet } of members) waitingBytes += outlet.waitingBytes
    for (const member of behind.slice(0, catchingUpAtOnce)) {
      const { view, place } = member
      if (place === undefined || waitingBytes > mostWaitingBytes) continue
      const bytes = await caughtUp(source, view, place).then(
        (text) => Buffer.from(text),
        (err: unknown) => {
          // The others have been told their part of this turn: it is this one that comes back.
          logger.warn({ err, owner: member.owner }, 'live stream does not catch up')
          member.end()
        },
      )
      if (bytes === undefined) continue
      member.place = undefined
      if (bytes.length > 0) send(member, bytes)
      waitingBytes += bytes.length
    }
  }

  /** Also for a client that is only silent: its last id goes on, so that it is not told again what was not for it. */
  async function keepUp(passedMs: number): Promise<void> {
    const heartbeat = Buffer.from(`:\nid: ${formatCursor(source.cursor)}\n\n`)
    const due: Member[] = []
    for (const member of members) {
      member.silentMs += passedMs
      member.uncheckedMs += passedMs
      member.stuckMs = member.outlet.isFull ? member.stuckMs + passedMs : 0
      if (member.stuckMs >= patienceMs) {
        member.end()
        member.cut()
        metrics.cut()
      } else if (member.uncheckedMs >= heartbeatMs) due.push(member)
      if (member.silentMs >= heartbeatMs && member.place === undefined) send(member, heartbeat)
    }
    await letGo(due)
  }

  /** Those who may not see any more what they are shown. */
  async function letGo(members: Iterable<Member>): Promise<void> {
    await Promise.all(
      [...members].map(async (member) => {
        member.uncheckedMs = 0
        if (!(await member.stillAllowed())) member.end()
      }),
    )
  }

  /** What was taken away is away before anything more is told; what ends with the clock alone is found by the heartbeat. */
  async function followAccess(): Promise<void> {
    const version = await accessVersion()
    if (version !== seenVersion) await letGo(members)
    seenVersion = version
  }

  /** `passedMs`: since the turn before. */
  async function turn(passedMs: number): Promise<void> {
    const before: Cursor = source.cursor
    try {
      const wanted = new Set<LiveKind>([...members].flatMap(({ view }) => view.kinds))
      const news = await source.poll(wanted)
      await followAccess()
      tell(news)
      await catchUp()
      failures = 0
    } catch (error) {
      if (failures++ === 0) logger.warn({ err: error }, 'live streams wait')
      // What was read and not told is read again.
      for (const member of members) member.place ??= { kind: 'caught', cursor: before }
      if (failures >= mostFailures) return endAll()
    }
    await keepUp(passedMs)
  }

  async function run(): Promise<void> {
    if (running) return
    running = true
    try {
      await source.begin().catch((error: unknown) => logger.warn({ err: error }, 'live streams wait'))
      let lastMs = performance.now()
      while (members.size > 0) {
        const startMs = performance.now()
        await turn(startMs - lastMs)
        lastMs = startMs
        // However long it took, others have their turn too.
        const restMs = Math.max(pollMs / 4, pollMs - (performance.now() - startMs))
        await new Promise<void>((resolve) => {
          timer = setTimeout(resolve, restMs)
        })
      }
    } finally {
      running = false
      // Nobody looks any more: their clients come back.
      endAll()
    }
  }

  function endAll(): void {
    for (const member of members) member.end()
  }

  return {
    open(asked) {
      const release = places.take(asked.owner)
      const outlet = createOutlet(() => gone())
      const place: Place =
        asked.lastEventId === undefined ? { kind: 'fresh' } : { kind: 'resumed', id: asked.lastEventId }
      const member: Member = {
        ...asked,
        key: keyOf(asked.view),
        outlet,
        place,
        silentMs: 0,
        uncheckedMs: 0,
        stuckMs: 0,
        end() {
          gone()
          outlet.end()
        },
      }
      function gone(): void {
        members.delete(member)
        release()
      }
      members.add(member)
      send(member, `retry: ${retryMs.least + ((opened++ * 97) % retryMs.spread)}\n\n`)
      run().catch((err: unknown) => logger.error({ err }, 'live streams ended'))
      return outlet.stream
    },
    stop() {
      endAll()
      clearTimeout(timer)
    },
  }
}
