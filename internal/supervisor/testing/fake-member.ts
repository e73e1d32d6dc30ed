import type { HubFrame } from '../../control/index.ts';
import type { Command, Result } from '../workers/messages.ts';
import type { Exit, Member, Outcome } from '../workers/worker-process.ts';

const DONE: Result = { kind: 'done', cut: 0 };

/** A worker that a test controls. It executes every command at once, unless `answers` has another result. */
export class FakeMember implements Member {
  readonly pid: number;
  readonly loaded: Promise<boolean>;
  readonly gone: Promise<Exit>;
  /** All commands except pings. */
  readonly commands: Command['kind'][] = [];
  /** The frames that arrived on its control line. */
  readonly frames: HubFrame[] = [];
  /** Commands and updates in the order of their arrival. */
  readonly order: string[] = [];
  /** The answers to commands; null means no answer. */
  readonly answers = new Map<Command['kind'], Result | null>();
  readonly worker: number;
  killed = false;
  load: (loaded: boolean) => void = () => {};
  private end: (exit: Exit) => void = () => {};
  private readonly waiting = new Set<(outcome: Outcome) => void>();

  constructor(worker: number, pid: number) {
    this.worker = worker;
    this.pid = pid;
    this.loaded = new Promise((resolve) => (this.load = resolve));
    this.gone = new Promise((resolve) => (this.end = resolve));
  }

  onWant = (): void => {};

  onControl: Member['onControl'] = () => {};

  readonly control: Member['control'] = (frames, sent) => {
    this.frames.push(...frames);
    for (const frame of frames) if (frame.kind === 'update') this.order.push(`update ${String(frame.state)}`);
    setImmediate(sent);
  };

  give(): void {}

  giveSpare(): void {}

  command(command: Command, patience: number): Promise<Outcome> {
    if (command.kind !== 'ping') {
      this.commands.push(command.kind);
      this.order.push(command.kind);
    }
    const answer = this.answers.get(command.kind);
    if (answer !== null) return Promise.resolve(this.killed ? { kind: 'gone' } : (answer ?? DONE));
    return new Promise((resolve) => {
      this.waiting.add(resolve);
      setTimeout(() => resolve({ kind: 'late' }), patience);
    });
  }

  kill(): void {
    this.die(1000);
  }

  die(uptime: number): void {
    this.killed = true;
    this.load(false);
    for (const resolve of this.waiting) resolve({ kind: 'gone' });
    this.end({ code: null, signal: 'SIGKILL', uptime });
  }
}
