import type { Deadlines } from '../base/index.ts';
import type { Problem, ServiceConfig } from '../config/index.ts';
import type { CompiledService } from './compiled-service.ts';
import { type Generation, listenKey } from './generation.ts';
import { ServiceSlot } from './service-slot.ts';
import { StartError } from './start-error.ts';

/** Told of connections that could not be accepted. */
export interface AcceptReports {
  acceptFailed(service: string, error: Error): void;
}

/**
 * Binds the addresses that a generation adds to those in force.
 *
 * An address may overlap one that the generation gives up: `:8080` in place of `127.0.0.1:8080`. The kernel refuses the
 * second while the first is bound, so the first is closed a moment before. That comes last of all, when every other
 * address is bound; should it fail all the same, the old addresses are bound again.
 */
export class Binding {
  /** The new slots by their key. */
  readonly bound = new Map<string, ServiceSlot>();
  private readonly inForce: ReadonlyMap<string, ServiceSlot>;
  private readonly deadlines: Deadlines;
  private readonly reports: AcceptReports;
  private readonly suspended: ServiceSlot[] = [];

  constructor(inForce: ReadonlyMap<string, ServiceSlot>, deadlines: Deadlines, reports: AcceptReports) {
    this.inForce = inForce;
    this.deadlines = deadlines;
    this.reports = reports;
  }

  /** @throws StartError with every address that cannot be bound; `undo` is to be called then */
  async bind(next: Generation): Promise<void> {
    const contested: ServiceConfig[] = [];
    const problems: Problem[] = [];
    for (const config of next.config.services) {
      if (this.inForce.has(listenKey(config))) continue;
      const error = await this.bindOne(config, next);
      if (error === null) continue;
      if (error.code === 'EADDRINUSE' && this.overlapped(config, next).length > 0) contested.push(config);
      else problems.push(bindProblem(config, error));
    }
    if (problems.length === 0) {
      for (const config of contested) {
        for (const slot of this.overlapped(config, next)) {
          slot.suspend();
          this.suspended.push(slot);
        }
        const error = await this.bindOne(config, next);
        if (error !== null) problems.push(bindProblem(config, error));
      }
    }
    if (problems.length > 0) throw new StartError(problems);
  }

  /** Closes what was bound, and goes on as before. */
  async undo(): Promise<void> {
    for (const slot of this.bound.values()) await slot.drain(0);
    this.bound.clear();
    for (const slot of this.suspended.splice(0)) {
      try {
        await slot.resume();
      } catch (error) {
        this.reports.acceptFailed(slot.current.name, error as Error);
      }
    }
  }

  /** @returns the error of the system, null for none */
  private async bindOne(config: ServiceConfig, next: Generation): Promise<NodeJS.ErrnoException | null> {
    const key = listenKey(config);
    const slot = new ServiceSlot(next.services.get(key) as CompiledService, this.deadlines);
    try {
      await slot.bind(config.listen, (error) => this.reports.acceptFailed(slot.current.name, error));
    } catch (error) {
      return error as NodeJS.ErrnoException;
    }
    this.bound.set(key, slot);
    return null;
  }

  /** Addresses on the same port that the generation gives up. */
  private overlapped({ listen }: ServiceConfig, next: Generation): ServiceSlot[] {
    if (listen.kind === 'unix') return [];
    return [...this.inForce]
      .filter(([key, slot]) => slot.port === listen.port && !next.services.has(key) && !this.suspended.includes(slot))
      .map(([, slot]) => slot);
  }
}

const BIND_ERRORS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the address is in use by another process',
  EACCES: 'not permitted; ports below 1024 need the capability CAP_NET_BIND_SERVICE',
  EADDRNOTAVAIL: 'no interface of this machine has that address',
  ENOTFOUND: 'the host name has no address',
};

/** libuv tells of a missing folder as of one that is not to be written to. */
const UNIX_BIND_ERRORS: Readonly<Record<string, string>> = {
  ...BIND_ERRORS,
  EACCES: 'not permitted, or its folder does not exist',
};

function bindProblem(config: ServiceConfig, cause: NodeJS.ErrnoException): Problem {
  const why = (config.listen.kind === 'unix' ? UNIX_BIND_ERRORS : BIND_ERRORS)[cause.code ?? ''] ?? cause.message;
  const message = `cannot listen on ${config.listen.text}: ${why}`;
  return { position: config.positions['listen'] ?? config.position, path: `services.${config.name}.listen`, message };
}
