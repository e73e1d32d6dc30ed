import type { Report, Send } from '../frames.ts';
import type { HubPort } from '../hub-port.ts';
import type { SupervisorHub } from '../supervisor-hub.ts';
import { WorkerLine } from '../worker-line.ts';

/** One direction of a wire between two processes: messages arrive when the test says so, in order. */
export class Wire {
  /** Messages sent and not read yet. */
  private readonly unread: { readonly frames: unknown; readonly sent: () => void }[] = [];
  /** The reader takes nothing for now, so the system takes no more either. */
  stuck = false;
  messages = 0;

  readonly send: Send<unknown> = (frames, sent) => {
    this.unread.push({ frames: structuredClone(frames), sent });
    this.messages++;
  };

  get empty(): boolean {
    return this.unread.length === 0;
  }

  /** Brings the next message, if there is one. */
  deliver(receive: (frames: never) => void): boolean {
    const message = this.stuck ? undefined : this.unread.shift();
    if (message === undefined) return false;
    message.sent();
    receive(message.frames as never);
    return true;
  }

  /** What is under way is lost. */
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

  /** Brings what was sent so far, and what that leads to, until nothing is under way that can arrive. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 3; quiet++) {
      while (this.deliver()) quiet = 0;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Brings one message in each direction. @returns whether there was any */
  deliver(): boolean {
    const up = this.up.deliver((frames) => this.port.receive(frames));
    return this.down.deliver((frames) => this.line.receive(frames)) || up;
  }

  /** The worker is killed: what it sent and was not read is lost. */
  kill(): void {
    this.up.cut();
    this.down.cut();
    this.port.disconnect();
  }
}
