export { ControlError, type ControlErrorCode } from './control-error.ts';
export type { ControlHub, ControlLine, WorkerAnswer } from './control-line.ts';
export type { HubFrame, LineFrame, Report, Send } from './frames.ts';
export type { HubPort } from './hub-port.ts';
export { connectLocally } from './local-line.ts';
export { SupervisorHub } from './supervisor-hub.ts';
export { WorkerLine } from './worker-line.ts';
