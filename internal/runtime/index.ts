export type { RecordSink } from './access-log-filter.ts';
export type { AccessLogs, HeldLog } from './generation.ts';
export { type Applied, type Listening, Runtime, type RuntimeEvents } from './runtime.ts';
export { StartError } from './start-error.ts';
