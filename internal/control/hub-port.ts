import { type SentError, sentErrorOf } from './control-error.ts';
import { type HubFrame, type LineFrame, MAX_PENDING_ASKS, type Report, type Send } from './frames.ts';
import { Outbox } from './outbox.ts';
import { PendingReplies } from './pending-replies.ts';

/** The hub as a port sees it. */
export interface PortOwner {
  readonly report: Report;
  portOnEvent(worker: number, frame: LineFrame & { kind: 'tell' }): void;
  portOnAsk(worker: number, frame: LineFrame & { kind: 'ask' }): Promise<unknown>;
  portOnGone(port: HubPort): void;
}

/**
 * The line of one worker, seen from the supervisor.
 *
 *     connected ──disconnect──> gone: later frames are ignored, as a successor may already have the number
 */
export class HubPort {
  /** Number of the worker. */
  readonly worker: number;
  private readonly owner: PortOwner;
  private readonly outbox: Outbox<HubFrame>;
  private readonly queries = new PendingReplies();
  /** Asks of the worker without an answer yet, and the timers that drop them. */
  private readonly asks = new Map<number, NodeJS.Timeout>();
  private gone = false;

  constructor(worker: number, send: Send<HubFrame>, owner: PortOwner) {
    this.worker = worker;
    this.owner = owner;
    this.outbox = new Outbox(send, (frame, error) => this.outboxOnFailed(frame, error));
  }

  update(topic: string, state: unknown, version: number): void {
    this.outbox.replace(topic, { kind: 'update', topic, state, version });
  }

  /** @throws ControlError */
  query(topic: string, payload: unknown, timeoutMs: number): Promise<unknown> {
    return this.queries.wait(timeoutMs, (number) => this.outbox.push({ kind: 'query', topic, payload, number }));
  }

  /** Takes frames of the worker, in the order of sending. */
  receive(frames: readonly LineFrame[]): void {
    for (const frame of frames) {
      if (this.gone) return;
      if (frame.kind === 'reply') this.queries.settle(frame);
      else if (frame.kind === 'tell') this.owner.portOnEvent(this.worker, frame);
      else void this.respond(frame);
    }
  }

  /** Sends all waiting frames now. */
  flush(): void {
    this.outbox.flush();
  }

  /** Answers every pending ask of the worker with this error, and ends the queries to it. */
  refuse(error: SentError): void {
    for (const number of this.asks.keys()) this.reply(number, undefined, error);
    this.queries.failAll(error);
    this.flush();
  }

  /** The worker has ended. */
  disconnect(): void {
    if (this.gone) return;
    this.gone = true;
    this.outbox.close();
    for (const timer of this.asks.values()) clearTimeout(timer);
    this.asks.clear();
    this.queries.failAll({ code: 'gone', message: 'the worker has ended' });
    this.owner.portOnGone(this);
  }

  private async respond(frame: LineFrame & { kind: 'ask' }): Promise<void> {
    const { number, timeoutMs } = frame;
    if (this.asks.size >= MAX_PENDING_ASKS) {
      const error: SentError = { code: 'busy', message: `${MAX_PENDING_ASKS} asks of the worker wait already` };
      this.outbox.push({ kind: 'reply', number, answer: undefined, error });
      return;
    }
    // After this time the worker does not wait any more, so the ask is dropped here, too.
    const timer = setTimeout(() => this.asks.delete(number), timeoutMs);
    this.asks.set(number, timer);
    try {
      this.reply(number, await this.owner.portOnAsk(this.worker, frame), null);
    } catch (error) {
      this.reply(number, undefined, sentErrorOf(error));
    }
  }

  private reply(number: number, answer: unknown, error: SentError | null): void {
    const timer = this.asks.get(number);
    if (timer === undefined) return;
    clearTimeout(timer);
    this.asks.delete(number);
    this.outbox.push({ kind: 'reply', number, answer, error });
  }

  private outboxOnFailed(frame: HubFrame, error: unknown): void {
    if (frame.kind === 'update') {
      this.owner.report('an update could not be sent to a worker', { topic: frame.topic, worker: this.worker, error });
    } else if (frame.kind === 'query') {
      this.queries.settle({ kind: 'reply', number: frame.number, answer: undefined, error: sentErrorOf(error) });
    } else {
      this.outbox.push({ kind: 'reply', number: frame.number, answer: undefined, error: sentErrorOf(error) });
    }
  }
}
