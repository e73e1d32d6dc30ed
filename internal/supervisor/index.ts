export { Daemon, type DaemonOptions, problemsOf } from './daemon.ts';
export { END_NOW_WAIT, endProcess } from './end-process.ts';
export { PidFile } from './pid-file.ts';
export { Predecessor } from './predecessor.ts';
export { ServiceManager } from './service-manager.ts';
export { SocketActivation } from './socket-activation.ts';
export { Successor } from './successor.ts';
export { runWorker } from './worker.ts';
