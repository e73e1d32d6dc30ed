export { AccessLog } from './access-log.ts';
export { AccessRecord, type RecordMemo } from './access-record.ts';
export {
  LEVEL_RANK,
  LOG_LEVELS,
  levelOf,
  resolveLevel,
  type LevelSources,
  type LogLevel,
  type ResolvedLevel,
} from './levels.ts';
export { LogFile, type LogFileOptions } from './log-file.ts';
export { type Company, LogFiles } from './log-files.ts';
export { CLOSE_WAIT, createLogger, type LogFields, type Logger, type LoggerOptions } from './logger.ts';
export { RequestIds, requestIds } from './request-id.ts';
export type { RotateOptions } from './rotation-period.ts';
export type { Report, Sink } from './sink.ts';
