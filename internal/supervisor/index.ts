export { Daemon, type DaemonOptions, problemsOf } from './daemon.ts';
export { Predecessor } from './predecessor.ts';
export { Successor } from './successor.ts';
export { runWorker } from './worker.ts';
