export { Daemon, type DaemonOptions, problemsOf } from './daemon.ts';
