export { linkLifeMs, linkUrl } from './account-link.ts'
export {
  type AlertOrder,
  type AlertState,
  alertStates,
  type Evidence,
  type ResolveReason,
  resolveReasons,
  type Transition,
  type TransitionKind,
  transitionKinds,
} from './alert.ts'
export { ByteReader } from './byte-reader.ts'
export { ByteWriter } from './byte-writer.ts'
export { type ClientCertificate, certificateOf, certificateSecretId } from './client-certificate.ts'
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
  noSession,
} from './frame.ts'
export {
  type AlertId,
  type AssetId,
  type DeviceId,
  idPattern,
  isDeviceId,
  isMetricName,
  isReservedMetricName,
  type KeyId,
  type MetricName,
  metricNamePattern,
  type ProfileId,
  parseAlertId,
  parseAssetId,
  parseDeviceId,
  parseKeyId,
  parseMetricName,
  parseProfileId,
  parseRuleId,
  parseSiteId,
  type RuleId,
  type SeriesId,
  type SiteId,
} from './ids.ts'
export { issueText } from './issue-text.ts'
export { type Language, languages } from './language.ts'
export { createLatencyHistogram, type LatencyHistogram, type StepCounts } from './latency-histogram.ts'
export { isMailAddress } from './mail-address.ts'
export { networkOf, parseAddress } from './network.ts'
export { type PasswordContext, refuseWeakPassword } from './password.ts'
export {
  type Access,
  maySee,
  type Principal,
  principalKinds,
  type Role,
  roleIncludes,
  roles,
  type SiteScope,
} from './principal.ts'
export {
  builtInProfiles,
  findMetric,
  type Metric,
  type MetricKind,
  metricKinds,
  platformDeviceId,
} from './profile.ts'
export { type Quality, type QualityName, quality, qualityNames } from './quality.ts'
export { type ReadingBatch, ReadingBatchBuilder } from './reading-batch.ts'
export {
  type Attributes,
  type CredentialEnds,
  controlTopic,
  type DeviceLimits,
  type DeviceRecord,
  type ProfileRecord,
  type Quarantine,
  removedDevice,
  type SiteRecord,
} from './records.ts'
export {
  type Comparison,
  comparisons,
  isNoData,
  type NoDataCondition,
  type RuleCondition,
  type RuleLevel,
  type RuleRecord,
  type RuleTarget,
  type Severity,
  severities,
  type ThresholdCondition,
} from './rule.ts'
export {
  burnMetric,
  burnRate,
  emptyCounts,
  findService,
  heartbeatMs,
  type ServiceCounts,
  type ServiceFinding,
  type ServiceLevel,
  type ServiceMeasure,
  type ServiceRecord,
  type ServiceWindow,
  serviceLevels,
  serviceMeasures,
  serviceWindows,
  type Uptime,
} from './service-level.ts'
export { millisecondsOf } from './time-stamp.ts'
export { isTimeZone } from './time-zone.ts'
export { tlsTerms } from './tls-terms.ts'
export {
  nativePrefix,
  nativeTopic,
  parseScalarTopic,
  resolveTopic,
  type ScalarTopic,
  type TopicMeaning,
  type TopicRules,
} from './topic.ts'
export { createWakeup, type Wakeup } from './wakeup.ts'
