import { type ByteReader, type ByteWriter, parseAlertId, type Severity, severities } from '../model/index.ts'
import type { Moment } from './no-data.ts'
import type { Standing } from './standing.ts'
import type { LevelStates } from './threshold.ts'
import { inactive, muted, type Phase } from './transition.ts'

export function encodeLevels(out: ByteWriter, levels: LevelStates): void {
  for (const state of levels) {
    out.f64(state?.sinceMs ?? Number.NaN)
    out.u32(state?.counts === true ? 1 : 0)
  }
}

export function decodeLevels(from: ByteReader): LevelStates {
  return severities.map(() => {
    const sinceMs = from.f64()
    const counts = from.u32() === 1
    return Number.isNaN(sinceMs) ? undefined : { sinceMs, counts }
  })
}

const phaseKinds = ['inactive', 'pending', 'firing', 'muted'] as const satisfies readonly Phase['kind'][]

export function encodeStanding(out: ByteWriter, { phase, alert }: Standing): void {
  out.u32(phaseKinds.indexOf(phase.kind))
  out.u32('severity' in phase ? severities.indexOf(phase.severity) : 0)
  out.f64('clearSinceMs' in phase ? (phase.clearSinceMs ?? Number.NaN) : Number.NaN)
  out.text(alert?.id ?? '')
  out.u32(alert?.steps ?? 0)
  out.f64(alert?.lastMs ?? 0)
}

export function decodeStanding(from: ByteReader): Standing {
  const phase = decodePhase(phaseKinds[from.u32()], asSeverity(from.u32()), from.f64())
  const id = from.text()
  const steps = from.u32()
  const lastMs = from.f64()
  return { phase, alert: id === '' ? undefined : { id: parseAlertId(id), steps, lastMs } }
}

function decodePhase(kind: Phase['kind'] | undefined, severity: Severity, clearSinceMs: number): Phase {
  switch (kind) {
    case 'inactive':
      return inactive
    case 'muted':
      return muted
    case 'pending':
      return { kind, severity }
    case 'firing':
      return { kind, severity, clearSinceMs: Number.isNaN(clearSinceMs) ? null : clearSinceMs }
    case undefined:
      throw new RangeError('read the memory of rules failed: no such phase')
    default:
      return kind satisfies never
  }
}

export function encodeMoment(out: ByteWriter, { receivedMs, engineMs }: Moment): void {
  out.f64(receivedMs)
  out.f64(engineMs)
}

export function decodeMoment(from: ByteReader): Moment {
  return { receivedMs: from.f64(), engineMs: from.f64() }
}

function asSeverity(rank: number): Severity {
  const severity = severities[rank]
  if (severity === undefined) throw new RangeError(`read the memory of rules failed: no severity ${rank}`)
  return severity
}
