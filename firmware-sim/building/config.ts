import { z } from 'zod'

/** What `building/main.ts` reads as JSON from its standard input. */
export const buildingConfigSchema = z.strictObject({
  mqttUrl: z.string(),
  seed: z.int(),
  /** What the building's local day is ahead of UTC, ms. */
  utcOffsetMs: z.int(),
  /** Epoch ms at which its meters began to count; from then to now it is sent as backlog, one reading a minute. */
  beganMs: z.int(),
  /** Time between two live messages of a device, ms. */
  everyMs: z.int().min(100),
  /** Device ids and tokens by the names of the building's points. */
  devices: z.record(z.string(), z.strictObject({ id: z.string(), token: z.string() })),
  /** The point whose current now and then leaves its band, how often, and when first, ms. */
  trouble: z.strictObject({ point: z.string(), everyMs: z.int().min(60_000), firstAfterMs: z.int().min(0) }),
})
export type BuildingConfig = z.infer<typeof buildingConfigSchema>

/** Each line that it prints is one of these as JSON. */
export const buildingReportSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('backlog'), rows: z.int(), ofRows: z.int() }),
  z.object({ kind: z.literal('live') }),
])
export type BuildingReport = z.infer<typeof buildingReportSchema>

/** Points of the building: a weather station, a transformer, three panels with three loads each. */
export const buildingPoints = 14
