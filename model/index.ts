export { type Clock, systemClock } from './clock.ts'
export { AppError, type AppErrorOptions, type ErrorCode, errorCodes, type FieldError, isAppError } from './errors.ts'
export {
  encodeOrigin,
  FrameCursor,
  type FrameFields,
  type FrameKind,
  FrameWriter,
  frameFlags,
  frameHeaderBytes,
  frameKind,
  maxFrameBytes,
} from './frame.ts'
export {
  type AssetId,
  type DeviceId,
  idPattern,
  isDeviceId,
  isMetricName,
  type KeyId,
  type MetricName,
  metricNamePattern,
  type ProfileId,
  parseAssetId,
  parseDeviceId,
  parseKeyId,
  parseMetricName,
  parseProfileId,
  parseSiteId,
  type SeriesId,
  type SiteId,
} from './ids.ts'
export { maySee, type Principal, type Role, roleIncludes, roles, type SiteScope } from './principal.ts'
export { builtInProfiles, findMetric, type Metric, type MetricKind, metricKinds } from './profile.ts'
export { type Quality, type QualityName, quality, qualityNames } from './quality.ts'
export { type ReadingBatch, ReadingBatchBuilder } from './reading-batch.ts'
export {
  type Attributes,
  controlTopic,
  type DeviceLimits,
  type DeviceRecord,
  type ProfileRecord,
  type SiteRecord,
} from './records.ts'
export {
  nativePrefix,
  nativeTopic,
  parseScalarTopic,
  resolveTopic,
  type ScalarTopic,
  type TopicMeaning,
  type TopicRules,
} from './topic.ts'
