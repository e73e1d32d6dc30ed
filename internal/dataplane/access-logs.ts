import type { LoggingConfig } from '../config/index.ts';
import { AccessLog, type LogFiles } from '../logger/index.ts';
import type { AccessLogs, HeldLog } from './generation.ts';

/** Access logs over the log files of the process. */
export function accessLogsOver(files: LogFiles): AccessLogs {
  return {
    async acquire(path: string, { rotate, accessFormat }: LoggingConfig): Promise<HeldLog> {
      const file = await files.acquire(path, rotate);
      return { sink: new AccessLog(file, accessFormat), release: () => files.release(file) };
    },
  };
}
