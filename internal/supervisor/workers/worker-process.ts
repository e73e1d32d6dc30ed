import { type ChildProcess, fork } from 'node:child_process';
import type { HubFrame, LineFrame, Send } from '../../control/index.ts';
import type { BoundAddress } from '../../transport/index.ts';
import type { Command, LogCall, LogReply, Result, Setup, ToSupervisor, ToWorker } from './messages.ts';
import type { WorkerLogs } from './worker-logs.ts';

/** The program that runs: the bundle. */
const [, PROGRAM = ''] = process.argv;

/** How a worker has ended. */
export interface Exit {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** How long it lived, in milliseconds. */
  readonly uptime: number;
}

/** The result of a command; `gone` if the worker has ended, `late` if it did not answer in time. */
export type Outcome = Result | { readonly kind: 'gone' } | { readonly kind: 'late' };

/** A worker, as the supervisor uses it. */
export interface Member {
  /** Its place among the workers, from 1. */
  readonly worker: number;
  /** 0 if it could not be started. */
  readonly pid: number;
  /** Resolves with true when its code is loaded, and with false if it ended before. */
  readonly loaded: Promise<boolean>;
  /** Resolves when it has ended. */
  readonly gone: Promise<Exit>;
  /** Called with the key of an address for which the worker needs another socket, see `giveSpare`. */
  onWant: (key: string) => void;
  /** Called with the frames that it sends on its control line. */
  onControl: (frames: readonly LineFrame[]) => void;
  /** Sends frames to its control line. */
  readonly control: Send<HubFrame>;
  /** Sends it a bound socket for the next `attach` or `resume`. */
  give(key: string, bound: BoundAddress): void;
  giveSpare(key: string, bound: BoundAddress): void;
  /**
   * Sends it a command. Never rejects, because a worker may end or block at any time.
   * @param patience milliseconds to wait for the answer
   */
  command(command: Command, patience: number): Promise<Outcome>;
  /** Ends it at once. */
  kill(): void;
}

/** Starts a worker. */
export type StartMember = (setup: Omit<Setup, 'kind'>, logs: WorkerLogs, counts: number | null) => Member;

/** A worker in a process of its own. */
export class WorkerProcess implements Member {
  readonly worker: number;
  readonly loaded: Promise<boolean>;
  readonly gone: Promise<Exit>;
  onWant: (key: string) => void = () => {};
  onControl: (frames: readonly LineFrame[]) => void = () => {};
  private readonly child: ChildProcess;
  private readonly logs: WorkerLogs;
  private readonly waiting = new Map<number, (outcome: Outcome) => void>();
  private readonly started = performance.now();
  private onLoaded: (loaded: boolean) => void = () => {};
  private nextNumber = 1;
  private ended = false;

  /**
   * Starts the program that this process runs, as a worker.
   * @param counts descriptor of the file of SharedCounts; null without it
   */
  constructor(setup: Omit<Setup, 'kind'>, logs: WorkerLogs, counts: number | null) {
    this.worker = setup.worker;
    this.logs = logs;
    this.child = fork(PROGRAM, ['worker'], {
      // This mode preserves the bytes and the shared parts of configs.
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc', ...(counts === null ? [] : [counts])],
    });
    this.loaded = new Promise((resolve) => (this.onLoaded = resolve));
    this.gone = new Promise((resolve) => {
      const end = (code: number | null, signal: NodeJS.Signals | null): void => resolve(this.childOnEnd(code, signal));
      this.child.once('exit', end);
      // The process could not be started, so there will be no `exit` event.
      this.child.on('error', () => {
        if (this.child.pid === undefined) end(null, null);
      });
    });
    this.child.on('message', (message) => this.childOnMessage(message as ToSupervisor));
    this.send({ kind: 'setup', ...setup });
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  give(key: string, bound: BoundAddress): void {
    if (!this.ended) this.child.send({ kind: 'address', key }, bound.sendable, {}, ignoreGone);
  }

  giveSpare(key: string, bound: BoundAddress): void {
    if (!this.ended) this.child.send({ kind: 'spare', key }, bound.sendable, {}, ignoreGone);
  }

  command(command: Command, patience: number): Promise<Outcome> {
    if (this.ended) return Promise.resolve({ kind: 'gone' });
    const number = this.nextNumber++;
    return new Promise((resolve) => {
      // If this process was blocked, the answer may already have arrived. It is read before the callback of
      // setImmediate.
      const timer = setTimeout(() => setImmediate(() => settle({ kind: 'late' })), patience);
      const settle = (outcome: Outcome): void => {
        clearTimeout(timer);
        this.waiting.delete(number);
        resolve(outcome);
      };
      this.waiting.set(number, settle);
      this.send({ ...command, number });
    });
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }

  readonly control: Send<HubFrame> = (frames, sent) => {
    // Frames that cannot be sent any more stay in the line, which ends with the process.
    if (!this.ended && this.child.connected) this.child.send({ kind: 'control', frames }, sent);
  };

  private send(message: ToWorker): void {
    if (!this.ended && this.child.connected) this.child.send(message, ignoreGone);
  }

  private childOnMessage(message: ToSupervisor): void {
    if (message.kind === 'hello') this.onLoaded(true);
    else if (message.kind === 'want-spare') this.onWant(message.key);
    else if (message.kind === 'control') this.onControl(message.frames);
    else if (message.kind === 'reply') this.waiting.get(message.number)?.(message.result);
    else this.serveLog(message);
  }

  private serveLog(call: LogCall & { readonly number: number }): void {
    const answer = (error: string | null): void => {
      const reply: LogReply = { kind: 'log-reply', number: call.number, error };
      this.send(reply);
    };
    this.logs.serve(call).then(
      () => answer(null),
      (error: unknown) => answer(error instanceof Error ? error.message : String(error)),
    );
  }

  private childOnEnd(code: number | null, signal: NodeJS.Signals | null): Exit {
    this.ended = true;
    this.onLoaded(false);
    for (const settle of this.waiting.values()) settle({ kind: 'gone' });
    return { code, signal, uptime: performance.now() - this.started };
  }
}

/** Ignores messages that cannot be sent because the worker has ended; `exit` reports that. */
function ignoreGone(): void {}
