import type { Report, Send } from '../frames.ts';
import type { HubPort } from '../hub-port.ts';
import type { SupervisorHub } from '../supervisor-hub.ts';
import { WorkerLine } from '../worker-line.ts';

/** One direction of a wire between two processes. Messages arrive in order, when the test calls `deliver`. */
export class Wire {
  /** Messages sent and not read yet. */
  private readonly unread: { readonly frames: unknown; readonly sent: () => void }[] = [];
  /** True: the reader takes nothing for now, so the system takes no more either. */
  stuck = false;
  messages = 0;

  readonly send: Send<unknown> = (frames, sent) => {
    this.unread.push({ frames: structuredClone(frames), sent });
    this.messages++;
  };

  get empty(): boolean {
    return this.unread.length === 0;
  }

  /** Delivers the next message, if there is one. */
  deliver(receive: (frames: never) => void): boolean {
    const message = this.stuck ? undefined : this.unread.shift();
    if (message === undefined) return false;
    message.sent();
    receive(message.frames as never);
    return true;
  }

  /** Loses all messages under way. */
  cut(): void {
    this.unread.length = 0;
  }
}

/** A worker in memory, joined to a hub by a wire for each direction. */
export class MemoryWorker {
  readonly up = new Wire();
  readonly down = new Wire();
  readonly line: WorkerLine;
  readonly port: HubPort;

  constructor(hub: SupervisorHub, worker: number, report: Report = () => {}) {
    this.line = new WorkerLine(this.up.send, report);
    this.port = hub.connect(worker, this.down.send);
  }

  /** Delivers all messages, and those that they cause, until none that can arrive is under way. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 3; quiet++) {
      while (this.deliver()) quiet = 0;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Delivers one message in each direction. @returns whether there was any */
  deliver(): boolean {
    const up = this.up.deliver((frames) => this.port.receive(frames));
    return this.down.deliver((frames) => this.line.receive(frames)) || up;
  }

  /** Kills the worker: messages that it has sent and the hub has not read are lost. */
  kill(): void {
    this.up.cut();
    this.down.cut();
    this.port.disconnect();
  }
}
