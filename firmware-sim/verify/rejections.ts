import type { DeviceHistory } from '../truth/history.ts'

/** Compares the reasons that a device's messages must be listed under with those that they are; in words. */
export function compareRejections(device: DeviceHistory, listed: readonly string[]): string[] {
  const seen = countOf(listed)
  const expected = countOf(
    device.messages.flatMap(({ rejected, ackedMs }) =>
      rejected === undefined || ackedMs === undefined ? [] : [rejected],
    ),
  )
  return [...new Set([...expected.keys(), ...seen.keys()])]
    .filter((reason) => expected.get(reason) !== seen.get(reason))
    .map((reason) => {
      const [sent = 0, found = 0] = [expected.get(reason), seen.get(reason)]
      return `${device.deviceId}: ${sent} messages must be rejected as ${reason}, ${found} are listed`
    })
}

function countOf(items: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1)
  return counts
}
