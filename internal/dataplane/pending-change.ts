import type { Deadlines } from '../base/index.ts';
import type { ServerHandle } from '../transport/index.ts';
import type { CompiledService } from './compiled-service.ts';
import type { Generation } from './generation.ts';
import { type Accepting, ServiceSlot } from './service-slot.ts';
import { ListenError } from './start-error.ts';

/** A generation that is compiled but not in force yet, and the addresses that it adds. */
export class PendingChange {
  readonly next: Generation;
  /** The new slots by the key of their address. They listen, and connections to them wait. */
  readonly attached = new Map<string, ServiceSlot>();
  private readonly deadlines: Deadlines;
  private readonly accepting: Accepting;

  constructor(next: Generation, deadlines: Deadlines, accepting: Accepting) {
    this.next = next;
    this.deadlines = deadlines;
    this.accepting = accepting;
  }

  /** @throws ListenError; the other sockets are then closed */
  async attach(handles: ReadonlyMap<string, ServerHandle>): Promise<void> {
    const left = new Map(handles);
    try {
      await this.attachEach(left);
    } catch (error) {
      // A worker must close them, because otherwise their addresses would stay bound as long as it lives.
      for (const handle of left.values()) handle.close();
      throw error;
    }
  }

  private async attachEach(left: Map<string, ServerHandle>): Promise<void> {
    for (const [key, handle] of left) {
      left.delete(key);
      const slot = new ServiceSlot(this.next.services.get(key) as CompiledService, this.deadlines);
      try {
        await slot.listen(handle, key, this.accepting);
      } catch (error) {
        throw new ListenError(key, (error as NodeJS.ErrnoException).code ?? String(error));
      }
      this.attached.set(key, slot);
    }
  }

  /** Stops listening on the new addresses, and releases the logs. */
  async abandon(): Promise<void> {
    for (const slot of this.attached.values()) await slot.drain(0);
    this.attached.clear();
    await this.next.retire();
  }
}
