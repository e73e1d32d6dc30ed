export { type Change, DataPlane, type DataPlaneOptions, type Neighbours } from './data-plane.ts';
export { ErrorLog } from './error-log.ts';
export { listenKey } from './generation.ts';
export { SERVING_TOPIC, type ServingReport } from './serving-report.ts';
export { bindProblem, ListenError, openingLog, StartError } from './start-error.ts';
export { refuseUnsupported } from './unsupported.ts';
export { warningsOf } from './warnings.ts';
