import type { ReadingBatch } from '../../../model/index.ts'
import { isPartialWrite, RefusedRequest } from './errors.ts'
import type { Layout } from './layout.ts'
import { deviceTimeField, receivedField } from './names.ts'
import type { PointStage } from './point-stage.ts'

/** Readings that the server will never take, by their index in the batch, each with what the server said. */
export type Refusals = Map<number, string>

export interface RefusalDeps {
  readonly batch: ReadingBatch
  readonly stage: PointStage
  readonly layout: Layout
  readonly refusals: Refusals
  /** Lines of the points, without what has been refused. */
  encode(points: readonly number[]): string
  /** Sends them, if there are any. */
  send(lines: string): Promise<void>
}

/**
 * Sends points until all of them are stored or refused; what was stored by a request that was refused in part is merely
 * stored again. InfluxDB says how many points it dropped and one reason, seldom which: a field of another type is found by
 * its name, points too old for the retention policy are the oldest, and all else by halves.
 */
export async function deliver(
  points: readonly number[],
  deps: RefusalDeps,
  lines = deps.encode(points),
): Promise<void> {
  try {
    await deps.send(lines)
  } catch (error) {
    if (error instanceof RefusedRequest && error.status === 413 && points.length > 1) return deliverHalves(points, deps)
    if (!isPartialWrite(error)) throw error
    await sortOut(points, error.message, deps)
  }
}

async function sortOut(points: readonly number[], says: string, deps: RefusalDeps): Promise<void> {
  const wrongType = readingsOfWrongType(points, says, deps)
  if (wrongType.length > 0) {
    for (const index of wrongType) deps.refusals.set(index, says)
    return deliver(points, deps)
  }
  const dropped = Number(/dropped=(\d+)/.exec(says)?.[1] ?? 0)
  if (points.length === 1 || dropped === points.length) {
    for (const point of points) for (const index of readingsOf(point, deps)) deps.refusals.set(index, says)
    return
  }
  if (!says.includes('beyond retention policy') || dropped === 0) return deliverHalves(points, deps)
  const { batch, stage } = deps
  const timeOf = (point: number) => batch.timesMs[stage.items[stage.starts[point] ?? 0] ?? 0] ?? 0
  const oldestFirst = points.toSorted((a, b) => timeOf(a) - timeOf(b))
  await deliver(oldestFirst.slice(0, dropped), deps)
  await deliver(oldestFirst.slice(dropped), deps)
}

async function deliverHalves(points: readonly number[], deps: RefusalDeps): Promise<void> {
  const half = Math.ceil(points.length / 2)
  await deliver(points.slice(0, half), deps)
  await deliver(points.slice(half), deps)
}

/** Readings in the field that the server names, not refused yet; of a field of ours, all of its points. */
function readingsOfWrongType(points: readonly number[], says: string, deps: RefusalDeps): readonly number[] {
  if (!says.includes('field type conflict')) return []
  const { batch, layout, refusals } = deps
  const named = (field: string) => says.includes(`input field ${JSON.stringify(field)} on measurement `)
  const ours = named(receivedField) || named(deviceTimeField)
  return points
    .flatMap((point) => readingsOf(point, deps))
    .filter((index) => {
      const seriesId = batch.seriesIds[index] ?? 0
      const measurement = layout.places[layout.placeOf[seriesId] ?? 0]?.measurement ?? ''
      if (refusals.has(index) || !says.includes(` on measurement ${JSON.stringify(measurement)} is type`)) return false
      return ours || named(layout.valueFields[seriesId] ?? '') || named(layout.qualityFields[seriesId] ?? '')
    })
}

function readingsOf(point: number, { stage }: RefusalDeps): readonly number[] {
  return [...stage.items.subarray(stage.starts[point] ?? 0, stage.starts[point + 1] ?? 0)]
}
