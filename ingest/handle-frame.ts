import type { Logger } from 'pino'
import { frameKind } from '../model/index.ts'
import { handleControl } from './handle-control.ts'
import type { MessageHandler } from './handle-message.ts'
import { handlePresence } from './handle-presence.ts'
import { handleRefusal } from './handle-refusal.ts'
import type { Memory } from './memory/memory.ts'
import type { MessageViews } from './message-views.ts'
import type { Rejections } from './rejections.ts'
import type { Step } from './step.ts'

export interface FrameHandlers {
  readonly memory: Memory
  readonly handleMessage: MessageHandler
  readonly rejections: Rejections
  readonly views: MessageViews
  readonly logger: Logger
}

/** Takes one frame into the memory; what it amounts to for the stores goes into the step's effects. */
export function handleFrame(step: Step, { memory, handleMessage, rejections, views, logger }: FrameHandlers): void {
  const { frame, evaluator } = step
  evaluator?.beginFrame(frame.receivedMs, step.position)
  memory.nowMs = frame.receivedMs
  switch (frame.kind) {
    case frameKind.message:
      handleMessage(step)
      break
    case frameKind.presence:
      handlePresence(frame, memory)
      break
    case frameKind.control:
      handleControl(frame, memory, logger)
      evaluator?.control(frame.topic(), Uint8Array.from(frame.payload()))
      break
    case frameKind.refusal:
      handleRefusal(step, memory, rejections, views)
      break
    case frameKind.tick:
    case frameKind.seal:
      break
    default:
      frame.kind satisfies never
  }
}
