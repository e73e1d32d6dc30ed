import type { RotateConfig } from '../../config/index.ts';
import type { Sink } from '../../logger/index.ts';
import type { LogCall, LogReply } from './messages.ts';

type Send = (message: LogCall & { readonly number: number }) => boolean;

/** Called once, with null or with the error. */
type Answered = (error: Error | null) => void;

/**
 * Logs that rotate, as a worker uses them. Such a file has one writer, the supervisor, because otherwise each process
 * would rotate it. A log has one piece in flight. Lines that the supervisor has not accepted wait in the LogFile, as
 * for a slow disk, and LogFile limits them.
 */
export class RemoteLogs {
  private readonly send: Send;
  private readonly calls = new Map<number, Answered>();
  private nextCall = 1;
  private nextLog = 1;

  constructor(send: Send) {
    this.send = send;
  }

  /** Asks the supervisor to open a log. @throws Error if it cannot */
  open(path: string, rotate: RotateConfig): Promise<Sink> {
    const log = this.nextLog++;
    return new Promise((resolve, reject) => {
      this.call({ kind: 'log-open', log, path, rotate }, (error) => {
        if (error === null) resolve(new RemoteSink(this, log));
        else reject(error);
      });
    });
  }

  /** Sends a call to the supervisor. */
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

  /** The supervisor is gone: all waiting calls fail. */
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

  /** The supervisor reopens its files itself. */
  reopen(done: Answered): void {
    done(null);
  }

  close(done: Answered): void {
    this.logs.call({ kind: 'log-close', log: this.log }, done);
  }

  /** The supervisor may receive it before this process ends; there is no way to wait for that. */
  writeSync(chunk: Buffer): void {
    this.logs.call({ kind: 'log-write', log: this.log, lines: chunk }, () => {});
  }
}
