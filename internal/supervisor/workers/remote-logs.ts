import type { RotateConfig } from '../../config/index.ts';
import type { Sink } from '../../logger/index.ts';
import type { LogCall, LogReply } from './messages.ts';

type Send = (message: LogCall & { readonly number: number }) => boolean;

/** Called once, with null or what went wrong. */
type Answered = (error: Error | null) => void;

/**
 * Logs that rotate, seen from a worker. A file that rotates has one writer, or each process would rotate it for itself:
 * that is the supervisor. A log has one piece under way, so what is not taken waits where it waits for a slow disk too:
 * in the LogFile, which bounds it.
 */
export class RemoteLogs {
  private readonly send: Send;
  private readonly calls = new Map<number, Answered>();
  private nextCall = 1;
  private nextLog = 1;

  constructor(send: Send) {
    this.send = send;
  }

  /** Has the supervisor open a log. @throws Error when it cannot */
  open(path: string, rotate: RotateConfig): Promise<Sink> {
    const log = this.nextLog++;
    return new Promise((resolve, reject) => {
      this.call({ kind: 'log-open', log, path, rotate }, (error) => {
        if (error === null) resolve(new RemoteSink(this, log));
        else reject(error);
      });
    });
  }

  /** Asks the supervisor for something. */
  call(call: LogCall, answered: Answered): void {
    const number = this.nextCall++;
    this.calls.set(number, answered);
    if (this.send({ ...call, number })) return;
    this.calls.delete(number);
    answered(new Error('the supervisor is gone'));
  }

  /** The supervisor has answered. */
  answered({ number, error }: LogReply): void {
    const answered = this.calls.get(number);
    this.calls.delete(number);
    answered?.(error === null ? null : new Error(error));
  }

  /** The supervisor is gone: nothing will be answered any more. */
  lost(): void {
    const waiting = [...this.calls.values()];
    this.calls.clear();
    for (const answered of waiting) answered(new Error('the supervisor is gone'));
  }
}

class RemoteSink implements Sink {
  lostLines = 0;
  private readonly logs: RemoteLogs;
  private readonly log: number;
  private lines: Buffer | null = null;

  constructor(logs: RemoteLogs, log: number) {
    this.logs = logs;
    this.log = log;
  }

  write(chunk: Buffer, done: Answered): void {
    this.lines = chunk;
    this.retry(done);
  }

  retry(done: Answered): void {
    this.logs.call({ kind: 'log-write', log: this.log, lines: this.lines ?? Buffer.alloc(0) }, (error) => {
      if (error === null) this.lines = null;
      done(error);
    });
  }

  /** The supervisor reopens its files by itself. */
  reopen(done: Answered): void {
    done(null);
  }

  close(done: Answered): void {
    this.logs.call({ kind: 'log-close', log: this.log }, done);
  }

  /** The supervisor may take it before this process has ended; there is no way to wait for it. */
  writeSync(chunk: Buffer): void {
    this.logs.call({ kind: 'log-write', log: this.log, lines: chunk }, () => {});
  }
}
