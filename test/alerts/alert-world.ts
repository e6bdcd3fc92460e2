import {
  type DeviceId,
  parseAlertId,
  parseDeviceId,
  parseMetricName,
  parseRuleId,
  parseSiteId,
  systemClock,
  type Transition,
} from '../../model/index.ts'
import { openState, platformActor, type State, type StateConfig } from '../../store/state/index.ts'
import { device, profile, site } from '../store/state/harness.ts'
import { createSqlitePlace, silent } from '../store/state/sqlite-place.ts'

/** A state on disk with a site, `panel-1` in it, and whatever alerts a test makes. */
export interface AlertWorld extends AsyncDisposable {
  readonly config: StateConfig
  readonly state: State
  /** Records the steps as the rules would; a position is taken for them. */
  record(...transitions: readonly Transition[]): Promise<void>
}

export const panel = parseDeviceId('panel-1')
/** Where all test alerts begin. */
export const beginMs = Date.UTC(2026, 10, 23, 7, 5, 9)

export async function openAlertWorld(): Promise<AlertWorld> {
  const place = await createSqlitePlace()
  const state = await openState(place.config, { clock: systemClock, logger: silent })
  await state.change(platformActor, async (unit) => {
    await unit.sites.create(site('north'))
    await unit.profiles.create(profile('meter'))
    await unit.devices.create(device(panel))
  })
  let position = await state.alertLedger.position()
  return {
    config: place.config,
    state,
    record: (...transitions) => state.alertLedger.record(transitions, ++position),
    async [Symbol.asyncDispose]() {
      await state.close()
      await place.dispose()
    },
  }
}

/** The steps of the life of one over-voltage alert. */
export function alertSteps(name: string, deviceId: DeviceId = panel) {
  let ordinal = 0
  const step = (kind: Transition['kind'], more: Partial<Transition> = {}): Transition => ({
    alertId: parseAlertId(`alert-${name}`),
    ordinal: ordinal++,
    kind,
    severity: 'critical',
    reason: null,
    ruleId: parseRuleId('over-voltage'),
    ruleVersion: 3,
    ruleName: 'Voltage L1–L2 too high',
    deviceId,
    siteId: parseSiteId('north'),
    metric: parseMetricName('voltage_l12'),
    timeMs: beginMs + ordinal * 60_000,
    receivedMs: beginMs + ordinal * 60_000,
    position: ordinal,
    value: 465.2,
    evidence: {
      kind: 'threshold',
      op: '>',
      limit: 460,
      clear: 455,
      value: 465.2,
      unit: 'V',
      quality: 'good',
      readingTimeMs: beginMs,
      sinceMs: beginMs - 30_000,
      forMs: 30_000,
      keepFiringForMs: 0,
      decidedBy: 'reading',
    },
    ...more,
  })
  return {
    pending: () => step('pending'),
    inactive: () => step('inactive'),
    firing: () => step('firing'),
    severity: () => step('severity', { severity: 'warning' }),
    resolved: () => step('resolved', { reason: 'condition_cleared' }),
  }
}
