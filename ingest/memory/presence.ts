const hourMs = 3_600_000
/** Connects of the last hour are counted up to here. */
const connectsKept = 100

/** What is remembered of a device's connections. */
export interface PresenceMemory {
  /** Received time of the newest frame from or for the device; NaN: never. */
  lastSeenMs: number
  sessions: number
  /** Times of the newest connects, ascending. */
  connects: number[]
  /** What was last heard of it came from someone else (a gateway), and was not that it is offline. */
  relayedOnline: boolean
}

export function createPresence(): PresenceMemory {
  return { lastSeenMs: Number.NaN, sessions: 0, connects: [], relayedOnline: false }
}

export function connected(presence: PresenceMemory, atMs: number): void {
  presence.lastSeenMs = atMs
  presence.sessions++
  const kept = presence.connects.filter((time) => time > atMs - hourMs)
  kept.push(atMs)
  presence.connects = kept.slice(-connectsKept)
}

export function disconnected(presence: PresenceMemory, atMs: number): void {
  presence.lastSeenMs = atMs
  // A disconnect whose connect was before the broker's start is of a connection that is not counted any more.
  presence.sessions = Math.max(0, presence.sessions - 1)
}

/** The broker has started: whatever was connected to the one before is not. */
export function allDisconnected(presence: PresenceMemory): void {
  presence.sessions = 0
  presence.relayedOnline = false
}

export function connectsLastHour(presence: PresenceMemory, nowMs: number): number {
  return presence.connects.reduce((count, time) => (time > nowMs - hourMs ? count + 1 : count), 0)
}
