import { type LineFrame, WorkerLine } from '../../control/index.ts';
import { DataPlane } from '../../dataplane/index.ts';
import type { Feature } from '../../exchange/index.ts';
import { LogFiles, type Logger } from '../../logger/index.ts';
import type { ServerHandle } from '../../transport/index.ts';
import { endProcess } from '../end-process.ts';
import {
  type Command,
  COUNTS_FD,
  refusalOf,
  type Result,
  type Setup,
  type ToSupervisor,
  type ToWorker,
} from './messages.ts';
import { RemoteLogs } from './remote-logs.ts';
import { SharedCounts } from './shared-counts.ts';

/**
 * Serves as a worker of the supervisor that started this process. The worker obeys only the supervisor. If the
 * supervisor disappears, the worker stops listening at once, lets exchanges finish, and ends.
 * @param logger of the process
 */
export function runWorker(logger: Logger, features: readonly Feature[]): void {
  new Worker(logger, features).start();
}

const DONE: Result = { kind: 'done', cut: 0 };

class Worker {
  private readonly root: Logger;
  private readonly features: readonly Feature[];
  private readonly logs = new RemoteLogs(send);
  private readonly line = new WorkerLine(sendFrames, (message, facts) => this.logger.error(message, facts));
  private logger: Logger;
  private plane: DataPlane | null = null;
  /** Sockets that have arrived for the next `attach` or `resume`. */
  private handles = new Map<string, ServerHandle>();
  /** Resolves when the current command is done, because commands are executed one after another. */
  private turn: Promise<unknown> = Promise.resolve();
  private ending = false;

  constructor(logger: Logger, features: readonly Feature[]) {
    this.root = logger;
    this.features = features;
    this.logger = logger;
  }

  start(): void {
    process.on('message', (message, handle) => this.processOnMessage(message as ToWorker, handle));
    process.once('disconnect', () => this.processOnDisconnect());
    send({ kind: 'hello' });
  }

  private processOnMessage(message: ToWorker, handle: unknown): void {
    switch (message.kind) {
      case 'setup':
        this.setUp(message);
        return;
      case 'log-reply':
        this.logs.answered(message);
        return;
      case 'address':
        this.handles.set(message.key, handle as ServerHandle);
        return;
      case 'control':
        this.line.receive(message.frames);
        return;
      case 'spare':
        this.plane?.giveSpare(message.key, handle as ServerHandle | undefined);
        return;
      case 'ping':
        send({ kind: 'reply', number: message.number, result: DONE });
        return;
      case 'drain':
        this.end(message.number);
        return;
      default:
        this.turn = this.turn.then(() => this.obey(message, message.number));
    }
  }

  private setUp({ worker, ticketKeys, counted }: Setup): void {
    this.logger = this.root.child({ worker });
    const report = (message: string, fields: Record<string, unknown>): void => this.logger.warn(message, fields);
    const files = new LogFiles(report, {}, { openRotating: (path, rotate) => this.logs.open(path, rotate) });
    this.plane = new DataPlane(
      { logger: this.logger, files, features: this.features, ticketKeys, line: this.line },
      {
        siblings: counted === null ? null : new SharedCounts(COUNTS_FD, counted, worker),
        wantSpare: (key) => void send({ kind: 'want-spare', key }),
      },
    );
  }

  private async obey(command: Command, number: number): Promise<void> {
    let result: Result = DONE;
    try {
      await this.run(command);
    } catch (error) {
      result = { kind: 'refused', refusal: refusalOf(error) };
    }
    send({ kind: 'reply', number, result });
  }

  private async run(command: Command): Promise<void> {
    const { plane } = this;
    if (plane === null) throw new Error('a worker got a command before its setup');
    switch (command.kind) {
      case 'prepare':
        return plane.prepare(command.change);
      case 'suspend':
        return plane.suspend(command.keys);
      case 'attach':
        return plane.attach(this.takeHandles());
      case 'commit':
        return plane.commit();
      case 'rollback':
        // Sockets for a change that was undone must not keep an address open.
        for (const handle of this.takeHandles().values()) handle.close();
        return plane.rollback();
      case 'resume':
        return plane.resume(this.takeHandles());
      case 'reopen':
        return plane.reopenLogs();
      case 'ping':
      case 'drain':
        throw new Error(`${command.kind} must not be queued`);
    }
  }

  private takeHandles(): Map<string, ServerHandle> {
    const { handles } = this;
    this.handles = new Map();
    return handles;
  }

  private processOnDisconnect(): void {
    this.logs.lost();
    this.line.disconnect();
    if (this.ending) return;
    this.logger.error('the supervisor is gone; this worker ends when its exchanges are over');
    this.end(null);
  }

  /** @param number of the command; null if there was no command */
  private end(number: number | null): void {
    this.ending = true;
    this.drainAndExit(number).catch((error: unknown) => {
      this.logger.error('a worker could not stop cleanly', { error });
      void endProcess(1);
    });
  }

  private async drainAndExit(number: number | null): Promise<void> {
    const cut = (await this.plane?.drain()) ?? 0;
    await this.plane?.closeLogs();
    if (number !== null) send({ kind: 'reply', number, result: { kind: 'done', cut } });
    else if (cut > 0) this.logger.warn('connections were cut at shutdown_timeout', { connections: cut });
    await this.root.close();
    if (process.connected) process.disconnect();
    await endProcess(0);
  }
}

/** Sends frames to the supervisor's end of the control line. */
function sendFrames(frames: readonly LineFrame[], sent: () => void): void {
  if (process.connected) process.send?.({ kind: 'control', frames }, undefined, undefined, sent);
}

/** @returns false if the supervisor is gone */
function send(message: ToSupervisor): boolean {
  if (!process.connected || process.send === undefined) return false;
  // An error means that the supervisor has just ended, which `disconnect` reports, too.
  process.send(message, undefined, undefined, () => {});
  return true;
}
