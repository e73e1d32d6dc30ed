export { Daemon, type DaemonOptions, problemsOf } from './daemon.ts';
export { runWorker } from './worker.ts';
