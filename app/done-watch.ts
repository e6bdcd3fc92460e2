import type { NotificationRecord, State } from '../store/state/index.ts'
import type { ServiceMeter } from './service-meter.ts'

/** Counts what became of a notification; of one that says that an alert fires, how long that took. */
export function createDoneWatch(
  service: Pick<ServiceMeter, 'mailDone' | 'alertTold'>,
  dispatch: Pick<State['dispatch'], 'event'>,
) {
  return (notification: NotificationRecord, outcome: 'sent' | 'failed', nowMs: number): void => {
    service.mailDone(outcome === 'sent')
    if (outcome === 'sent') void tell(notification, nowMs).catch(() => undefined)
  }

  async function tell({ eventId }: NotificationRecord, nowMs: number): Promise<void> {
    if (eventId === null) return
    const step = await dispatch.event(eventId)
    if (step?.event.kind === 'firing') service.alertTold(Math.max(0, nowMs - step.event.transition.receivedMs))
  }
}
