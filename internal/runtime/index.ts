export type { RecordSink } from './access-log-filter.ts';
export { type AccessLogs, type HeldLog, listenKey } from './generation.ts';
export { Runtime, type RuntimeEvents } from './runtime.ts';
export { refuseUnsupported } from './unsupported.ts';
export { warningsOf } from './warnings.ts';
export { bindProblem, ListenError, openingLog, StartError } from './start-error.ts';
