export type { AppendFrame, FrameOwner, LogAppender } from './log-appender.ts'
export type { LogConsumerStats, LogPosition, LogReader, LogSlice, LogStats, MessageLog } from './message-log.ts'
