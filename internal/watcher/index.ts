export { ConfigWatcher, type ConfigWatcherOptions } from './config-watcher.ts';
export type { OpenWatcher } from './folder-watchers.ts';
export { ReloadQueue, ReloadQueueClosed } from './reload-queue.ts';
