import { ControlError, sentErrorOf } from './control-error.ts';
import type { ControlLine } from './control-line.ts';
import {
  type HubFrame,
  type LineFrame,
  MAX_PENDING_ASKS,
  MAX_PENDING_QUERIES,
  MAX_WAITING_EVENTS,
  type Report,
  type Send,
} from './frames.ts';
import { Outbox } from './outbox.ts';
import { PendingReplies } from './pending-replies.ts';

/** The state of a topic, as the supervisor has published it. */
interface TopicState {
  readonly state: unknown;
  readonly version: number;
}

type Follower = (state: unknown, version: number) => void;

const GONE = { code: 'gone', message: 'the supervisor is gone' } as const;

/** The worker's end of a line. It does not know processes: frames go out through `send` and come in through `receive`. */
export class WorkerLine implements ControlLine {
  private readonly outbox: Outbox<LineFrame>;
  private readonly report: Report;
  private readonly asks = new PendingReplies();
  private readonly states = new Map<string, TopicState>();
  private readonly followers = new Map<string, Set<Follower>>();
  private readonly responders = new Map<string, (payload: unknown) => unknown>();
  private answering = 0;
  private gone = false;

  constructor(send: Send<LineFrame>, report: Report) {
    this.outbox = new Outbox(send, (frame, error) => this.outboxOnFailed(frame, error));
    this.report = report;
  }

  tell(topic: string, payload: unknown): boolean {
    if (this.gone || this.outbox.waiting >= MAX_WAITING_EVENTS) return false;
    this.outbox.push({ kind: 'tell', topic, payload });
    return true;
  }

  ask(topic: string, payload: unknown, timeoutMs: number): Promise<unknown> {
    if (this.gone) return Promise.reject(new ControlError(GONE.code, GONE.message));
    if (this.asks.size >= MAX_PENDING_ASKS) {
      return Promise.reject(new ControlError('busy', `${MAX_PENDING_ASKS} asks wait for the supervisor already`));
    }
    return this.asks.wait(timeoutMs, (number) => this.outbox.push({ kind: 'ask', topic, payload, number, timeoutMs }));
  }

  follow(topic: string, onUpdate: Follower): () => void {
    const followers = this.followers.get(topic) ?? new Set();
    // A new function for each call, as a caller may pass the same one twice.
    const follower: Follower = (state, version) => onUpdate(state, version);
    followers.add(follower);
    this.followers.set(topic, followers);
    const known = this.states.get(topic);
    if (known !== undefined) onUpdate(known.state, known.version);
    return () => {
      followers.delete(follower);
      if (followers.size === 0 && this.followers.get(topic) === followers) this.followers.delete(topic);
    };
  }

  answer(topic: string, respond: (payload: unknown) => unknown): () => void {
    this.responders.set(topic, respond);
    return () => {
      if (this.responders.get(topic) === respond) this.responders.delete(topic);
    };
  }

  /** Takes frames of the supervisor, in the order of sending. */
  receive(frames: readonly HubFrame[]): void {
    for (const frame of frames) {
      if (frame.kind === 'reply') this.asks.settle(frame);
      else if (frame.kind === 'update') this.update(frame.topic, frame.state, frame.version);
      else void this.respond(frame.topic, frame.payload, frame.number);
    }
  }

  /** The supervisor is gone: pending asks fail, and nothing is sent any more. */
  disconnect(): void {
    this.gone = true;
    this.outbox.close();
    this.asks.failAll(GONE);
  }

  private update(topic: string, state: unknown, version: number): void {
    const known = this.states.get(topic);
    if (known !== undefined && known.version >= version) return;
    this.states.set(topic, { state, version });
    // A copy: followers that are added by a callback already have this state.
    const followers = [...(this.followers.get(topic) ?? [])];
    for (const follower of followers) {
      try {
        follower(state, version);
      } catch (error) {
        this.report('an update from the supervisor could not be applied', { topic, version, error });
      }
    }
  }

  private async respond(topic: string, payload: unknown, number: number): Promise<void> {
    const respond = this.responders.get(topic);
    if (respond === undefined || this.answering >= MAX_PENDING_QUERIES) {
      const error =
        respond === undefined
          ? ({ code: 'unknown_topic', message: `the worker does not answer '${topic}'` } as const)
          : ({ code: 'busy', message: `the worker answers ${MAX_PENDING_QUERIES} queries already` } as const);
      this.outbox.push({ kind: 'reply', number, answer: undefined, error });
      return;
    }
    this.answering++;
    try {
      this.outbox.push({ kind: 'reply', number, answer: await respond(payload), error: null });
    } catch (error) {
      this.outbox.push({ kind: 'reply', number, answer: undefined, error: sentErrorOf(error) });
    } finally {
      this.answering--;
    }
  }

  private outboxOnFailed(frame: LineFrame, error: unknown): void {
    if (frame.kind === 'ask') {
      this.asks.settle({ kind: 'reply', number: frame.number, answer: undefined, error: sentErrorOf(error) });
    } else if (frame.kind === 'reply') {
      this.outbox.push({ kind: 'reply', number: frame.number, answer: undefined, error: sentErrorOf(error) });
    } else {
      this.report('an event could not be sent to the supervisor', { topic: frame.topic, error });
    }
  }
}
