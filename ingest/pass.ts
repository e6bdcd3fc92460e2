import type { Logger } from 'pino'
import type { TopicRules } from '../model/index.ts'
import type { IngestConfig } from './config.ts'
import type { Counters } from './counters.ts'
import { handleFrame } from './handle-frame.ts'
import { createMessageHandler } from './handle-message.ts'
import { decodeMemory } from './memory/codec.ts'
import { Memory } from './memory/memory.ts'
import type { MessageViews } from './message-views.ts'
import { createRejections } from './rejections.ts'
import { createRoutes } from './routes.ts'
import type { SeriesNaming } from './series-naming.ts'
import type { Step } from './step.ts'

export interface PassDeps {
  readonly naming: SeriesNaming
  readonly counters: Counters
  readonly views: MessageViews
  readonly topics: TopicRules
  readonly logger: Logger
}

/** A memory, and what it takes to fill it frame by frame. */
export interface Pass {
  readonly memory: Memory
  /** Takes one frame into the memory; what it amounts to goes into the step's effects. */
  handle(step: Step): void
  /** Fills the memory, which must be empty, with an encoded one. */
  restore(bytes: Uint8Array): void
}

export function createPass(config: IngestConfig, { naming, counters, views, topics, logger }: PassDeps): Pass {
  const memory = new Memory(config)
  const rejections = createRejections(memory, counters)
  const routes = createRoutes(memory, topics)
  const handleMessage = createMessageHandler(config, { memory, routes, naming, rejections, counters, views, logger })
  const handlers = { memory, handleMessage, rejections, views, logger }

  return {
    memory,
    handle: (step) => handleFrame(step, handlers),
    restore: (bytes) => decodeMemory(bytes, memory, { addMetric: (...metric) => naming.addMetric(memory, ...metric) }),
  }
}
