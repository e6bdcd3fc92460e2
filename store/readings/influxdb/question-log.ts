import type { Logger } from 'pino'
import type { Clock } from '../../../model/index.ts'

/** What the log says of questions: whoever asked is told less, and others tell of writes. */
export interface QuestionLog {
  answered(): void
  failed(error: unknown): void
}

/** Some may fail while others are answered: no more lines than one failure in this time, and its end. */
const quietMs = 30_000

export function createQuestionLog(logger: Logger, clock: Clock): QuestionLog {
  let toldMs = Number.NEGATIVE_INFINITY
  let failing = false

  return {
    answered() {
      if (!failing) return
      failing = false
      logger.info('influxdb answers questions again')
    },
    failed(err) {
      if (clock.now() - toldMs < quietMs) return
      toldMs = clock.now()
      failing = true
      logger.warn({ err }, 'influxdb does not answer questions')
    },
  }
}
