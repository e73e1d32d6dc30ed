export type { RecordSink } from './access-log-filter.ts';
export { type AccessLogs, type HeldLog, listenKey } from './generation.ts';
export { Runtime, type RuntimeEvents } from './runtime.ts';
export { bindProblem, ListenError, StartError } from './start-error.ts';
