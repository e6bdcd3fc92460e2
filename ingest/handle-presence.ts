import type { FrameCursor } from '../model/index.ts'
import type { Memory } from './memory/memory.ts'
import { allDisconnected, connected, disconnected } from './memory/presence.ts'

/** The broker says that it has started (so nobody is connected), or that a connection came or went. */
export function handlePresence(frame: FrameCursor, memory: Memory): void {
  const event = frame.topic()
  if (event === 'broker-started') {
    for (const device of memory.devices.values()) allDisconnected(device.presence)
    return
  }
  // Integrators connect too; only devices have a presence.
  const device = memory.deviceOfPrincipal(frame.principal())
  if (device === undefined) return
  if (event === 'connected') connected(device.presence, frame.receivedMs)
  else if (event === 'disconnected') disconnected(device.presence, frame.receivedMs)
}
