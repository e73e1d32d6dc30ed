import type { LogFile, LogFiles } from '../../logger/index.ts';
import type { LogCall } from './messages.ts';

/** The rotating logs that a worker writes through the supervisor. */
export class WorkerLogs {
  private readonly files: LogFiles;
  private readonly open = new Map<number, LogFile>();
  private released = false;

  constructor(files: LogFiles) {
    this.files = files;
  }

  /** Executes a call of the worker. @throws Error if a log cannot be opened */
  async serve(call: LogCall): Promise<void> {
    if (call.kind === 'log-open') {
      const opened = await this.acquire(call);
      if (this.released) await this.files.release(opened);
      else this.open.set(call.log, opened);
      return;
    }
    const file = this.open.get(call.log);
    if (file === undefined) throw new Error('the log is not open');
    if (call.kind === 'log-write') {
      file.write(Buffer.from(call.lines).toString('latin1'));
      file.send();
      // The worker sends more only after the answer, so with a slow disk it waits as if it wrote itself.
      await file.flush();
      return;
    }
    this.open.delete(call.log);
    await this.files.release(file);
  }

  /** The worker has ended: releases its logs. */
  async release(): Promise<void> {
    this.released = true;
    const files = [...this.open.values()];
    this.open.clear();
    for (const file of files) await this.files.release(file);
  }

  private async acquire({ path, rotate }: LogCall & { kind: 'log-open' }): Promise<LogFile> {
    try {
      return await this.files.acquire(path, rotate);
    } catch (error) {
      // The caller adds the path to the message, so only the cause is passed on.
      throw error instanceof Error && error.cause instanceof Error ? error.cause : error;
    }
  }
}
