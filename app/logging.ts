import { type Logger, pino } from 'pino'
import type { LogLevel } from './config.ts'

/**
 * JSON lines on stdout, one logger per thread. Written at once: there are few lines (a first failure, a recovery), and the
 * last ones before a crash are the ones that matter.
 */
export function createLogger(level: LogLevel, part: string): Logger {
  return pino(
    { level, base: { part }, redact: { paths: ['password', 'token', '*.password', '*.token'], censor: '[secret]' } },
    pino.destination({ fd: 1, sync: true }),
  )
}
