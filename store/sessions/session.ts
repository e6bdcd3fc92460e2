import type { FlightRecord, Subscription } from './records.ts'

/** A message on its way to the client. */
export interface Flight extends FlightRecord {
  readonly sequence: number
  /** Which connection it was last sent on; 0: one of before this process. */
  readonly connection: number
}

/** A persistent session as it is held in memory: its queue is on disk only. */
export class Session {
  readonly clientId: string
  readonly number: number
  readonly subscriptions = new Map<string, Subscription>()
  /** Each hour of the platform without a connection of the client. */
  hoursOffline = 0
  queuedCount = 0
  queuedBytes = 0
  #flights: FlightTable | undefined

  constructor(clientId: string, number: number) {
    this.clientId = clientId
    this.number = number
  }

  /** Undefined until the flights of before the restart were needed and read. */
  get flights(): FlightTable | undefined {
    return this.#flights
  }

  startFlights(stored: readonly Flight[]): FlightTable {
    this.#flights ??= new FlightTable(stored)
    return this.#flights
  }
}

/**
 * Messages sent and not yet acknowledged, by place in the queue and by packet identifier. Aedes numbers packets anew on
 * each connection, so two can carry the same identifier; an acknowledgement then counts for the older.
 */
export class FlightTable {
  readonly #bySequence = new Map<number, Flight>()
  /** Of each packet identifier, the sequences that carry it, oldest first: one number nearly always. */
  readonly #byPacketId = new Map<number, number | readonly number[]>()

  constructor(flights: readonly Flight[]) {
    for (const flight of flights) this.put(flight)
  }

  at(sequence: number): Flight | undefined {
    return this.#bySequence.get(sequence)
  }

  find(packetId: number): Flight | undefined {
    const sequence = sequencesOf(this.#byPacketId.get(packetId))[0]
    return sequence === undefined ? undefined : this.#bySequence.get(sequence)
  }

  put(flight: Flight): void {
    const before = this.#bySequence.get(flight.sequence)
    this.#bySequence.set(flight.sequence, flight)
    if (before?.packetId === flight.packetId) return
    if (before !== undefined) this.#forget(before)
    const others = this.#byPacketId.get(flight.packetId)
    this.#byPacketId.set(
      flight.packetId,
      others === undefined ? flight.sequence : [...sequencesOf(others), flight.sequence],
    )
  }

  delete(flight: Flight): void {
    if (this.#bySequence.delete(flight.sequence)) this.#forget(flight)
  }

  values(): Iterable<Flight> {
    return this.#bySequence.values()
  }

  #forget(flight: Flight): void {
    const left = sequencesOf(this.#byPacketId.get(flight.packetId)).filter((other) => other !== flight.sequence)
    if (left.length === 0) this.#byPacketId.delete(flight.packetId)
    else this.#byPacketId.set(flight.packetId, left)
  }
}

function sequencesOf(entry: number | readonly number[] | undefined): readonly number[] {
  return entry === undefined ? [] : typeof entry === 'number' ? [entry] : entry
}
