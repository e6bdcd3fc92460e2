import type { DeviceWatch, Evaluator } from '../../ingest/index.ts'
import type { DeviceRecord } from '../../model/index.ts'
import type { LogPosition } from '../../store/log/index.ts'
import type { Effect, EffectSink } from './world.ts'

/** A series went over the limit or came back under it; or a device was silent. */
export interface Crossing extends Effect {
  readonly text: string
}

const silentAfterMs = 180_000

/**
 * The smallest evaluator that has everything one can have: values to watch, rules by control frame, time that passes.
 * It notes what it is told, so that a test can see what reaches the rules.
 */
export class LimitWatch implements Evaluator {
  readonly told: string[] = []
  version = 0
  #recorded: LogPosition = 0
  #position: LogPosition = 0
  #limit = 240
  #asked = 0
  readonly #over = new Set<string>()
  readonly #silentFrom = new Map<string, number>()
  readonly #waiting: Crossing[] = []
  readonly #sink: EffectSink

  constructor(sink: EffectSink) {
    this.#sink = sink
  }

  get pending(): number {
    return this.#waiting.length
  }

  /** How often it was asked who watches a device. */
  get asked(): number {
    return this.#asked
  }

  async open(): Promise<LogPosition> {
    this.#recorded = await this.#sink.position()
    return this.#recorded
  }

  encode(): Uint8Array {
    const silentFrom = [...this.#silentFrom].sort(([a], [b]) => (a < b ? -1 : 1))
    return Buffer.from(JSON.stringify({ limit: this.#limit, over: [...this.#over].sort(), silentFrom }))
  }

  decode(bytes: Uint8Array): void {
    const { limit, over, silentFrom } = JSON.parse(Buffer.from(bytes).toString())
    this.#limit = limit
    for (const series of over) this.#over.add(series)
    for (const [device, dueMs] of silentFrom) this.#silentFrom.set(device, dueMs)
  }

  beginFrame(receivedMs: number, position: LogPosition): void {
    if (position < this.#position) throw new RangeError(`frame ${position} after ${this.#position}`)
    this.#position = position
    const due = [...this.#silentFrom].filter(([, dueMs]) => dueMs <= receivedMs)
    for (const [device, dueMs] of due.sort((a, b) => a[1] - b[1] || (a[0] < b[0] ? -1 : 1))) {
      this.#silentFrom.delete(device)
      this.#happens(`${device} silent at ${dueMs}`)
    }
    this.#nowMs = receivedMs
  }
  #nowMs = 0

  control(topic: string, payload: Uint8Array): void {
    this.told.push(`control ${topic}`)
    const [kind, id = ''] = topic.split('/')
    if (kind === 'device' && payload.length === 0) this.#silentFrom.delete(id)
    if (kind === 'device' && payload.length > 0) this.#silentFrom.set(id, this.#nowMs + silentAfterMs)
    if (kind === 'rule') this.#limit = Number(Buffer.from(payload).toString())
    this.version++
  }

  watch({ id, number }: DeviceRecord, metrics: readonly string[]): DeviceWatch {
    this.#asked++
    return {
      // All but the relay's values are wanted.
      calm: Float64Array.from(metrics.flatMap((metric) => (metric === 'relay' ? [-Infinity, Infinity] : [1, 0]))),
      seen: () => {
        this.told.push(`seen ${id}`)
        this.#silentFrom.set(id, this.#nowMs + silentAfterMs)
      },
      take: (slot, timeMs, value, quality) => {
        const metric = metrics[slot] ?? ''
        const series = `${id}#${number} ${metric}`
        this.told.push(`${id} ${metric} ${value}${quality === 0 ? '' : ' suspect'}`)
        const over = value > this.#limit
        if (over === this.#over.has(series)) return
        if (over) this.#over.add(series)
        else this.#over.delete(series)
        this.#happens(`${series} ${over ? 'over' : 'under'} ${this.#limit} with ${value} at ${timeMs}`)
      },
    }
  }

  async commit(position: LogPosition): Promise<void> {
    if (position <= this.#recorded) return
    const batch = this.#waiting.filter((effect) => effect.position <= position)
    await this.#sink.record(batch, position)
    this.#waiting.splice(0, batch.length)
    this.#recorded = position
  }

  #happens(text: string): void {
    if (this.#position > this.#recorded) this.#waiting.push({ position: this.#position, text })
  }
}
