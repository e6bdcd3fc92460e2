import { readFileSync } from 'node:fs'
import type { Logger } from 'pino'

/** Of the log, the stores, the threads and what they open for a moment; with room to spare. */
const reservedFiles = 1_000
/** Connections that are closed unanswered come on top (broker/config.ts). */
const unanswered = 1.1

/** Files that the process may have open; undefined where the system does not say. Node has raised it as far as it may be. */
export function openFilesMax(): number | undefined {
  try {
    const soft = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
    return soft === undefined || soft === 'unlimited' ? undefined : Number(soft)
  } catch {
    return undefined
  }
}

/**
 * As many MQTT connections as there may be files for: sockets that take the last of them would leave the log without
 * one, and nobody's message could be written.
 */
export function connectionsWithin(
  filesMax: number | undefined,
  wanted: { readonly mqtt: number; readonly http: number },
  logger: Pick<Logger, 'warn'>,
): number {
  if (filesMax === undefined) return wanted.mqtt
  const room = Math.max(1, Math.floor((filesMax - reservedFiles - wanted.http) / unanswered))
  if (room >= wanted.mqtt) return wanted.mqtt
  const { mqtt } = wanted
  logger.warn({ maxConnections: room, wanted: mqtt, filesMax }, 'fewer mqtt connections than set: raise `ulimit -n`')
  return room
}
