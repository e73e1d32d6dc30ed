export { Daemon, type DaemonOptions, problemsOf } from './daemon.ts';
export { END_NOW_WAIT, endProcess } from './end-process.ts';
export { PidFile } from './service/pid-file.ts';
export { Predecessor } from './restart/predecessor.ts';
export { ServiceManager } from './service/service-manager.ts';
export { SocketActivation } from './service/socket-activation.ts';
export { Successor } from './restart/successor.ts';
export { runWorker } from './workers/worker.ts';
