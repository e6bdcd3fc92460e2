import type { DeviceMemory } from './memory/device-memory.ts'
import type { DeviceWatch, Evaluator } from './ports.ts'
import type { Step } from './step.ts'

/** A message came from the device or for it, whatever becomes of it. */
export function noteSeen({ frame, evaluator }: Step, device: DeviceMemory): void {
  device.presence.lastSeenMs = frame.receivedMs
  if (evaluator !== undefined) watchOf(evaluator, device)?.seen()
}

/** What watches the device; asked anew when there may be another answer. */
export function watchOf(evaluator: Evaluator, device: DeviceMemory): DeviceWatch | undefined {
  return device.watchVersion === evaluator.version ? device.watch : ask(evaluator, device)
}

function ask(evaluator: Evaluator, device: DeviceMemory): DeviceWatch | undefined {
  device.watch = evaluator.watch(device.record, device.metrics)
  device.watchVersion = evaluator.version
  return device.watch
}
