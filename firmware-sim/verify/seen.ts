import { z } from 'zod'
import { severities } from '../../model/index.ts'
import type { PlatformApi } from '../platform-api.ts'
import type { SeenAlert, SeenStep } from './alerts.ts'
import type { SeenMail } from './mails.ts'
import type { StoredReading } from './readings.ts'

/** What the platform says that it has: everything that is compared with what was sent. */
export interface PlatformView {
  /** Resolves once all that was acknowledged until now is stored; rejects when that takes too long. */
  caughtUp(): Promise<void>
  readings(deviceId: string, metric: string): Promise<readonly StoredReading[]>
  /** Reasons of the device's messages on the rejected list. */
  rejections(deviceId: string): Promise<readonly string[]>
  /** Alerts that fired and began at or after `fromMs`, of devices that are asked about. */
  alerts(isAsked: (deviceId: string) => boolean, fromMs: number): Promise<readonly SeenAlert[]>
  /** Mails about whatever, since then. */
  mails(fromMs: number): Promise<readonly SeenMail[]>
}

const time = z.iso.datetime().transform((text) => Date.parse(text))
/** Null: that part is too busy to answer just now. */
const statusSchema = z.object({
  log: z.object({ head: z.number() }).nullable(),
  ingest: z.object({ position: z.number() }).nullable(),
})
const readingSchema = z
  .object({ time, value: z.number() })
  .transform(({ time: timeMs, value }): StoredReading => ({ timeMs, value }))
const rejectedSchema = z.object({ reason: z.string() })
const alertSchema = z.object({
  id: z.string(),
  ruleId: z.string(),
  deviceId: z.string(),
  metric: z.string().nullable(),
  state: z.string(),
  startedAt: time,
})
const stepSchema = z.object({
  id: z.int(),
  kind: z.string(),
  severity: z.enum(severities).nullish(),
  value: z.number().nullish(),
})
const mailSchema = z.object({
  recipient: z.string(),
  messageId: z.string().nullable(),
  state: z.string(),
})
/** Mails about people's accounts are listed too, with null for both. */
const anyMailSchema = mailSchema.extend({ alertId: z.string().nullable(), step: z.int().nullable() })

const catchUpTimeoutMs = 60_000
const pollMs = 100

export function createPlatformView(api: PlatformApi, wait: (ms: number) => Promise<unknown>): PlatformView {
  async function stepsOf(alertId: string): Promise<SeenStep[]> {
    const steps = await Array.fromAsync(api.list(stepSchema, `/api/v1/alerts/${alertId}/timeline`))
    return steps.flatMap(({ id, kind, severity, value }) =>
      (kind === 'firing' || kind === 'severity' || kind === 'resolved') && severity
        ? { id, kind, severity, value: value ?? null }
        : [],
    )
  }

  return {
    async caughtUp() {
      let head: number | undefined
      for (let waitedMs = 0; waitedMs < catchUpTimeoutMs; waitedMs += pollMs) {
        const { log, ingest } = await api.read(statusSchema, '/api/v1/status')
        head ??= log?.head
        if (head !== undefined && ingest !== null && ingest.position >= head) return
        await wait(pollMs)
      }
      throw new Error(`wait for the platform to catch up failed: not within ${catchUpTimeoutMs} ms`)
    },
    readings: (deviceId, metric) =>
      Array.fromAsync(
        api.list(readingSchema, `/api/v1/devices/${deviceId}/readings`, { metric, from: '0', to: '4102444800000' }),
      ),
    async rejections(deviceId) {
      const items = await Array.fromAsync(api.list(rejectedSchema, '/api/v1/rejected', { device: deviceId }))
      return items.map(({ reason }) => reason)
    },
    async alerts(isAsked, fromMs) {
      const alerts: SeenAlert[] = []
      for await (const alert of api.list(alertSchema, '/api/v1/alerts', { from: String(fromMs) })) {
        if (alert.state === 'pending' || !isAsked(alert.deviceId)) continue
        const { id, ruleId, deviceId, metric, startedAt } = alert
        alerts.push({ id, ruleId, deviceId, metric, startedMs: startedAt, steps: await stepsOf(id) })
      }
      return alerts
    },
    async mails(fromMs) {
      const all = await Array.fromAsync(api.list(anyMailSchema, '/api/v1/notifications', { from: String(fromMs) }))
      return all.flatMap(({ alertId, step, ...mail }) =>
        alertId === null || step === null ? [] : [{ ...mail, alertId, step }],
      )
    },
  }
}
