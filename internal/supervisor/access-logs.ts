import type { RotateConfig } from '../config/index.ts';
import { AccessLog, type LogFiles } from '../logger/index.ts';
import type { AccessLogs, HeldLog } from '../runtime/index.ts';

/** Access logs over the log files of the process. */
export function accessLogsOver(files: LogFiles): AccessLogs {
  return {
    async acquire(path: string, rotate: RotateConfig | null): Promise<HeldLog> {
      const file = await files.acquire(path, rotate);
      return { sink: new AccessLog(file), release: () => files.release(file) };
    },
  };
}
