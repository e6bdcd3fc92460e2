import { AppError, type ReadingBatch, type SeriesId } from '../../../model/index.ts'
import type { SeriesCatalog, SeriesInfo } from '../reading-store.ts'
import {
  carried,
  deviceNumberTag,
  deviceTag,
  lineKey,
  lineMeasurement,
  qualityField,
  quoteName,
  quoteText,
  valueField,
} from './names.ts'

/** A device's points in one measurement: those of one series, as InfluxDB calls it. */
export interface Place {
  readonly index: number
  /** The name of the profile; this and the tags as InfluxDB has them. */
  readonly measurement: string
  readonly device: string
  /** '' for the first bearer of the id. */
  readonly number: string
  readonly key: string
  /** What its lines begin with, up to the fields. */
  readonly head: string
}

/** Where a series is, as InfluxQL says it. */
export interface SeriesPath {
  readonly from: string
  /** Which points are the device's. */
  readonly where: string
  readonly value: string
  readonly quality: string
  /** The same names as InfluxDB tells them. */
  readonly measurement: string
  readonly field: string
  /** Of the device's points, as `placeKey` makes it. */
  readonly key: string
}

/** Of a device's points in one measurement, all three as InfluxDB tells them. */
export function placeKey(measurement: string, device: string, number: string): string {
  return `${measurement}\0${device}\0${number}`
}

/** Which series is which field of which point; a function of the catalog alone. Arrays, for the loop over a batch. */
export class Layout {
  readonly places: Place[] = []
  /** By series: the index of its place; -1: not placed yet. */
  placeOf: Int32Array = new Int32Array(0)
  /** By series: `voltage` and `voltage__q`, and the same as a line has them, `voltage=` and `voltage__q=`. */
  readonly valueFields: string[] = []
  readonly qualityFields: string[] = []
  readonly valueKeys: string[] = []
  readonly qualityKeys: string[] = []
  highestDevice = 0
  highestSeries: SeriesId = 0
  readonly #catalog: SeriesCatalog
  readonly #indices = new Map<string, number>()

  constructor(catalog: SeriesCatalog) {
    this.#catalog = catalog
  }

  /** Gives every series of the batch its place. Throws `invalid_input` for one that the catalog does not know. */
  place({ length, seriesIds }: ReadingBatch): void {
    for (let i = 0; i < length; i++) {
      const seriesId = seriesIds[i] ?? 0
      if ((this.placeOf[seriesId] ?? -1) < 0) this.#add(seriesId)
    }
  }

  /** Undefined: no such series. */
  pathOf(seriesId: SeriesId): SeriesPath | undefined {
    const series = this.#catalog.get(seriesId)
    if (series === undefined) return undefined
    const { deviceId, metric } = series
    const bearers = this.#catalog.bearersOf(deviceId)
    const isFirst = (bearers[0] ?? series.deviceNumber) === series.deviceNumber
    const conditions = [`${quoteName(deviceTag)} = ${quoteText(deviceId)}`]
    // Where only one device ever had the id nothing more is asked, as anybody else would ask.
    if (!isFirst) conditions.push(`${quoteName(deviceNumberTag)} = '${series.deviceNumber}'`)
    else if (bearers.length > 1) conditions.push(`${quoteName(deviceNumberTag)} = ''`)
    return {
      from: quoteName(series.profileId),
      where: conditions.join(' AND '),
      value: quoteName(valueField(metric)),
      quality: quoteName(qualityField(metric)),
      measurement: carried(series.profileId),
      field: carried(valueField(metric)),
      key: placeKey(carried(series.profileId), carried(deviceId), isFirst ? '' : String(series.deviceNumber)),
    }
  }

  /** Throws `invalid_input` for one that the catalog does not know. `field` as InfluxDB tells it. */
  placeOfSeries(seriesId: SeriesId): { readonly place: Place; readonly field: string } {
    if ((this.placeOf[seriesId] ?? -1) < 0) this.#add(seriesId)
    const place = this.places[this.placeOf[seriesId] ?? 0]
    if (place === undefined) throw new RangeError(`series ${seriesId} has no place`)
    return { place, field: this.valueFields[seriesId] ?? '' }
  }

  #add(seriesId: SeriesId): void {
    const series = this.#catalog.get(seriesId)
    if (series === undefined)
      throw new AppError('invalid_input', `store reading of series ${seriesId} failed: no such series`)
    if (seriesId >= this.placeOf.length) this.#grow(seriesId + 1)
    this.placeOf[seriesId] = this.#placeIndex(series)
    const value = valueField(series.metric)
    const quality = qualityField(series.metric)
    this.valueFields[seriesId] = carried(value)
    this.qualityFields[seriesId] = carried(quality)
    this.valueKeys[seriesId] = `${lineKey(value)}=`
    this.qualityKeys[seriesId] = `${lineKey(quality)}=`
    this.highestDevice = Math.max(this.highestDevice, series.deviceNumber)
    this.highestSeries = Math.max(this.highestSeries, seriesId)
  }

  #placeIndex(series: SeriesInfo): number {
    const { profileId, deviceId, deviceNumber } = series
    const key = `${deviceNumber} ${profileId}`
    const known = this.#indices.get(key)
    if (known !== undefined) return known
    const first = this.#catalog.bearersOf(deviceId)[0] ?? deviceNumber
    const number = first === deviceNumber ? '' : String(deviceNumber)
    const numberTag = number === '' ? '' : `,${deviceNumberTag}=${number}`
    const head = `${lineMeasurement(profileId)},${deviceTag}=${lineKey(deviceId)}${numberTag} `
    const index = this.places.length
    const [measurement, device] = [carried(profileId), carried(deviceId)]
    this.places.push({ index, measurement, device, number, key: placeKey(measurement, device, number), head })
    this.#indices.set(key, index)
    return index
  }

  #grow(atLeast: number): void {
    const placeOf = new Int32Array(Math.max(1_024, atLeast, this.placeOf.length * 2)).fill(-1)
    placeOf.set(this.placeOf)
    this.placeOf = placeOf
  }
}
