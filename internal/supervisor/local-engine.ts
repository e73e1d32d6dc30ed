import { connectLocally, type SupervisorHub } from '../control/index.ts';
import { type Change, DataPlane, type DataPlaneOptions } from '../dataplane/index.ts';
import type { ServerHandle } from '../transport/index.ts';
import type { Addresses, Engine } from './engine.ts';

/** Serves in this process, for `-workers 0`. */
export class LocalEngine implements Engine {
  private readonly plane: DataPlane;

  constructor(options: Omit<DataPlaneOptions, 'line'> & { readonly hub: SupervisorHub }) {
    this.plane = new DataPlane({ ...options, line: connectLocally(options.hub) }, null);
  }

  exclusively<T>(work: () => Promise<T>): Promise<T> {
    return work();
  }

  prepare(change: Change): Promise<void> {
    return this.plane.prepare(change);
  }

  async suspend(keys: readonly string[]): Promise<void> {
    this.plane.suspend(keys);
  }

  attach(addresses: Addresses): Promise<void> {
    return this.plane.attach(handlesOf(addresses));
  }

  commit(): Promise<void> {
    return this.plane.commit();
  }

  revived(): Promise<boolean> {
    return Promise.resolve(true);
  }

  rollback(): Promise<void> {
    return this.plane.rollback();
  }

  resume(addresses: Addresses): Promise<void> {
    return this.plane.resume(handlesOf(addresses));
  }

  reopenLogs(): Promise<void> {
    return this.plane.reopenLogs();
  }

  drain(): Promise<number> {
    return this.plane.drain();
  }

  closeLogs(): Promise<void> {
    return this.plane.closeLogs();
  }

  kill(): void {}
}

function handlesOf(addresses: Addresses): Map<string, ServerHandle> {
  return new Map([...addresses].map(([key, { handle }]) => [key, handle]));
}
