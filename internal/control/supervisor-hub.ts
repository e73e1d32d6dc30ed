import { ControlError, type SentError } from './control-error.ts';
import type { ControlHub, WorkerAnswer } from './control-line.ts';
import type { HubFrame, LineFrame, Report, Send } from './frames.ts';
import { MAX_PENDING_QUERIES } from './frames.ts';
import { HubPort, type PortOwner } from './hub-port.ts';

const STOPPING: SentError = { code: 'gone', message: 'the supervisor is stopping' };

/** The supervisor's end of all lines. It does not know processes: a worker is connected with a function that sends to it. */
export class SupervisorHub implements ControlHub, PortOwner {
  readonly report: Report;
  private readonly ports = new Set<HubPort>();
  private readonly states = new Map<string, { readonly state: unknown; readonly version: number }>();
  private readonly listeners = new Map<string, (worker: number, payload: unknown) => void>();
  private readonly responders = new Map<string, (worker: number, payload: unknown) => unknown>();
  private readonly goneListeners: ((worker: number) => void)[] = [];
  /** Topics of events without a listener. Each is reported once. */
  private readonly unheard = new Set<string>();
  private queries = 0;
  private stopped = false;

  constructor(report: Report) {
    this.report = report;
  }

  // ── for the supervisor ───────────────────────────────────────────────────────────────────────────────────────

  publish(topic: string, state: unknown): void {
    if (this.stopped) return;
    const version = (this.states.get(topic)?.version ?? 0) + 1;
    this.states.set(topic, { state, version });
    for (const port of this.ports) port.update(topic, state, version);
  }

  onEvent(topic: string, listener: (worker: number, payload: unknown) => void): void {
    if (this.listeners.has(topic)) throw new Error(`the events of '${topic}' have a listener already`);
    this.listeners.set(topic, listener);
  }

  onAsk(topic: string, respond: (worker: number, payload: unknown) => unknown): void {
    if (this.responders.has(topic)) throw new Error(`the asks of '${topic}' have a responder already`);
    this.responders.set(topic, respond);
  }

  onGone(listener: (worker: number) => void): void {
    this.goneListeners.push(listener);
  }

  async query(topic: string, payload: unknown, timeoutMs: number): Promise<readonly WorkerAnswer[]> {
    const ports = [...this.ports].toSorted((a, b) => a.worker - b.worker);
    if (this.stopped) return ports.map(({ worker }) => unanswered(worker, STOPPING.message));
    if (this.queries >= MAX_PENDING_QUERIES) {
      return ports.map(({ worker }) => unanswered(worker, `${MAX_PENDING_QUERIES} queries are under way already`));
    }
    this.queries++;
    try {
      return await Promise.all(
        ports.map((port) =>
          port.query(topic, payload, timeoutMs).then(
            (answer): WorkerAnswer => ({ worker: port.worker, answer, error: null }),
            (error: unknown) => unanswered(port.worker, error instanceof Error ? error.message : String(error)),
          ),
        ),
      );
    } finally {
      this.queries--;
    }
  }

  // ── for the code that starts the workers ─────────────────────────────────────────────────────────────────────

  /**
   * Connects a worker that has started, and first sends it the state of every topic.
   * @param worker its number
   */
  connect(worker: number, send: Send<HubFrame>): HubPort {
    const port = new HubPort(worker, send, this);
    this.ports.add(port);
    for (const [topic, { state, version }] of this.states) port.update(topic, state, version);
    port.flush();
    return port;
  }

  /** Sends all waiting frames now, before anything that the caller sends to the workers next. */
  flush(): void {
    for (const port of this.ports) port.flush();
  }

  /** The supervisor stops: pending asks and queries fail, and later ones fail at once. */
  stop(): void {
    this.stopped = true;
    for (const port of this.ports) port.refuse(STOPPING);
  }

  // ── for ports ────────────────────────────────────────────────────────────────────────────────────────────────

  /** @internal */
  portOnEvent(worker: number, { topic, payload }: LineFrame & { kind: 'tell' }): void {
    const listener = this.listeners.get(topic);
    if (listener === undefined) return this.reportUnheard(worker, topic);
    try {
      listener(worker, payload);
    } catch (error) {
      this.report('an event of a worker could not be taken', { topic, worker, error });
    }
  }

  /** @internal @throws what the responder throws */
  async portOnAsk(worker: number, { topic, payload }: LineFrame & { kind: 'ask' }): Promise<unknown> {
    if (this.stopped) throw new ControlError(STOPPING.code, STOPPING.message);
    const respond = this.responders.get(topic);
    if (respond === undefined) throw new ControlError('unknown_topic', `the supervisor does not answer '${topic}'`);
    return respond(worker, payload);
  }

  /** @internal */
  portOnGone(port: HubPort): void {
    this.ports.delete(port);
    for (const listener of this.goneListeners) {
      try {
        listener(port.worker);
      } catch (error) {
        this.report('the state of a worker that has ended could not be cleared', { worker: port.worker, error });
      }
    }
  }

  private reportUnheard(worker: number, topic: string): void {
    if (this.unheard.has(topic) || this.unheard.size >= MAX_UNHEARD) return;
    this.unheard.add(topic);
    this.report('a worker tells of a topic that the supervisor does not know', { topic, worker });
  }
}

/** Limit for reported unknown topics. Each is a fault of prox, so there are few. */
const MAX_UNHEARD = 16;

function unanswered(worker: number, error: string): WorkerAnswer {
  return { worker, answer: undefined, error };
}
