import type { AlertId, DeviceId, Evidence, MetricName, ResolveReason, Severity } from '../../model/index.ts'
import type { DispatchEvent } from '../../store/state/index.ts'

/** What a mail says: one step of one alert, in the names and the time zone of the people who read it. */
export interface AlertNews {
  readonly alertId: AlertId
  readonly kind: 'firing' | 'severity' | 'resolved'
  readonly severity: Severity
  /** Of a `resolved`. */
  readonly reason: ResolveReason | null
  /** What somebody wrote who resolved it by hand. */
  readonly resolution: string | null
  readonly ruleName: string
  readonly ruleVersion: number
  readonly deviceId: DeviceId
  readonly deviceName: string
  readonly siteName: string
  /** IANA. */
  readonly timeZone: string
  /** Null: the subject is the device. */
  readonly metric: MetricName | null
  readonly value: number | null
  readonly evidence: Evidence
  /** When this step happened. */
  readonly timeMs: number
  /** When the alert began to fire. */
  readonly firedMs: number
}

/** From the step as it was recorded; the alert itself may be further on by now. */
export function newsOf({ event, alert, device, site }: DispatchEvent): AlertNews {
  const { transition } = event
  if (transition.kind === 'pending' || transition.kind === 'inactive')
    throw new TypeError(`render mail of event ${event.id} failed: nobody is told of ${transition.kind}`)
  return {
    alertId: transition.alertId,
    kind: transition.kind,
    severity: transition.severity,
    reason: transition.reason,
    resolution: alert.resolution,
    ruleName: transition.ruleName,
    ruleVersion: transition.ruleVersion,
    deviceId: transition.deviceId,
    deviceName: device === null || device.name === '' ? transition.deviceId : device.name,
    siteName: site === null || site.name === '' ? transition.siteId : site.name,
    timeZone: site?.timeZone ?? 'UTC',
    metric: transition.metric,
    value: transition.value,
    evidence: transition.evidence,
    timeMs: transition.timeMs,
    firedMs: alert.firedMs ?? transition.timeMs,
  }
}
