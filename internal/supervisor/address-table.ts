import type { Config, Problem, ServiceConfig } from '../config/index.ts';
import { bindProblem, ListenError, listenKey, StartError } from '../dataplane/index.ts';
import { BoundAddress } from '../transport/index.ts';

/** An address in force, in the form in which it is logged. */
export interface Listening {
  readonly service: string;
  readonly address: string;
  /** The bound port; 0 for a unix socket. */
  readonly port: number;
}

/** How a new config has changed the addresses. */
export interface Applied {
  readonly opened: readonly Listening[];
  readonly closed: readonly Listening[];
  /** Errors that occurred when addresses were closed. */
  readonly left: readonly Error[];
}

interface Entry {
  readonly service: string;
  readonly bound: BoundAddress;
}

/** All bound addresses, by the key of `listenKey`. This table keeps the sockets while they are in force. */
export class AddressTable {
  private entries = new Map<string, Entry>();
  /** Sockets that another process has bound, for the first config that names their addresses. */
  private readonly inherited: Map<string, BoundAddress>;
  private closed = false;

  constructor(inherited: ReadonlyMap<string, BoundAddress> = new Map()) {
    this.inherited = new Map(inherited);
  }

  /** The addresses in force. */
  get bound(): ReadonlyMap<string, BoundAddress> {
    return new Map([...this.entries].map(([key, { bound }]) => [key, bound]));
  }

  /** The addresses in force, for the log. */
  get listening(): Listening[] {
    return [...this.entries.values()].map(listeningOf);
  }

  /** Begins the change to the addresses of a config. There is one change at a time; it ends with `commit` or `undo`. */
  rebind(config: Config): Rebinding {
    return new Rebinding(this, config, this.inherited);
  }

  /**
   * Closes every address.
   * @param taken keys of the addresses that a successor continues to serve; they stay bound
   * @returns the errors that occurred
   */
  async close(taken: ReadonlySet<string> = new Set()): Promise<Error[]> {
    this.closed = true;
    const all = this.bound;
    this.entries.clear();
    this.disclaim();
    const given: BoundAddress[] = [];
    for (const [key, bound] of all) {
      if (taken.has(key)) bound.leave();
      else given.push(bound);
    }
    return closeAll(given);
  }

  /** Takes over sockets that another process has bound. */
  inherit(sockets: ReadonlyMap<string, BoundAddress>): void {
    for (const [key, bound] of sockets) this.inherited.set(key, bound);
  }

  /** Closes inherited sockets that the config does not use; the processes that share them keep theirs. */
  disclaim(): void {
    for (const bound of this.inherited.values()) bound.leave();
    this.inherited.clear();
  }

  /** @internal Puts a change into force. `given` are the sockets that are no longer in force; they are still open. */
  adopt(
    config: Config,
    bound: ReadonlyMap<string, BoundAddress>,
  ): Omit<Applied, 'left'> & { readonly given: BoundAddress[] } {
    // The daemon was stopped during the change.
    if (this.closed) return { opened: [], closed: [], given: [...bound.values()] };
    const before = this.entries;
    const after = new Map<string, Entry>();
    for (const service of config.services) {
      const key = listenKey(service);
      const found = bound.get(key) ?? before.get(key)?.bound;
      if (found === undefined) throw new Error(`the address ${key} was not bound`);
      after.set(key, { service: service.name, bound: found });
    }
    this.entries = after;
    const gone = [...before].filter(([key]) => !after.has(key)).map(([, entry]) => entry);
    const opened = [...after].filter(([key]) => bound.has(key)).map(([, entry]) => listeningOf(entry));
    return { opened, closed: gone.map(listeningOf), given: gone.map((entry) => entry.bound) };
  }

  /** @internal Replaces a closed socket by another one. */
  replace(key: string, bound: BoundAddress): void {
    const entry = this.entries.get(key);
    if (entry !== undefined) this.entries.set(key, { ...entry, bound });
  }
}

/**
 * Binds the addresses that a config adds.
 *
 * A new address may overlap one that the config removes, for example `:8080` instead of `127.0.0.1:8080`. The kernel
 * refuses the second while the first is bound, so the first is closed a moment before. This is the last step, after
 * every other address was bound. If it fails, the old addresses are bound again.
 */
export class Rebinding {
  /** The new sockets by their key. */
  readonly bound = new Map<string, BoundAddress>();
  private readonly table: AddressTable;
  private readonly config: Config;
  private readonly inForce: ReadonlyMap<string, BoundAddress>;
  private readonly inherited: Map<string, BoundAddress>;
  private readonly contested: ServiceConfig[] = [];
  /** Those of `bound` that this change has bound itself, and must close if it is undone. */
  private readonly made = new Set<BoundAddress>();
  private readonly closed = new Set<string>();

  constructor(table: AddressTable, config: Config, inherited: Map<string, BoundAddress>) {
    this.table = table;
    this.config = config;
    this.inForce = table.bound;
    this.inherited = inherited;
  }

  /** Keys of the addresses in force that overlap new ones. They must be suspended before `bindContested`. */
  get displaced(): string[] {
    return [...new Set(this.contested.flatMap((service) => this.overlapped(service)))];
  }

  /**
   * Binds the addresses that overlap no address in force. @throws StartError with every address that cannot be bound
   */
  async bindFree(): Promise<void> {
    const problems: Problem[] = [];
    for (const service of this.config.services) {
      if (this.inForce.has(listenKey(service))) continue;
      const error = await this.bindOne(service);
      if (error === null) continue;
      if (error.code === 'EADDRINUSE' && this.overlapped(service).length > 0) this.contested.push(service);
      else problems.push(bindProblem(service, error));
    }
    if (problems.length > 0) throw new StartError(problems);
  }

  /** Closes the overlapped addresses, and binds the rest. @throws StartError */
  async bindContested(): Promise<void> {
    for (const key of this.displaced) {
      this.closed.add(key);
      await this.inForce.get(key)?.close();
    }
    const problems: Problem[] = [];
    for (const service of this.contested) {
      const error = await this.bindOne(service);
      if (error !== null) problems.push(bindProblem(service, error));
    }
    if (problems.length > 0) throw new StartError(problems);
  }

  /** The change is in force: closes the addresses that are no longer used. */
  async commit(): Promise<Applied> {
    const { opened, closed, given } = this.table.adopt(this.config, this.bound);
    for (const [key, bound] of this.bound) if (!this.made.has(bound)) this.inherited.delete(key);
    return { opened, closed, left: await closeAll(given) };
  }

  /**
   * Closes the addresses that were bound, and binds the overlapped ones again.
   * @returns the latter by key, and the errors of those that could not be bound
   */
  async undo(): Promise<{ readonly again: ReadonlyMap<string, BoundAddress>; readonly lost: readonly Error[] }> {
    const again = new Map<string, BoundAddress>();
    const lost = await closeAll(this.made);
    for (const key of this.closed) {
      const before = this.inForce.get(key) as BoundAddress;
      try {
        const bound = await BoundAddress.bind(before.address);
        again.set(key, bound);
        this.table.replace(key, bound);
      } catch (error) {
        lost.push(error as Error);
      }
    }
    return { again, lost };
  }

  /**
   * Turns the error of an address that could be bound but not listened on into a problem; returns any other error
   * unchanged.
   */
  explain(error: unknown): unknown {
    if (!(error instanceof ListenError)) return error;
    const service = this.config.services.find((candidate) => listenKey(candidate) === error.key);
    return service === undefined ? error : new StartError([bindProblem(service, error)]);
  }

  /** @returns the error of the system; null if there is none */
  private async bindOne(service: ServiceConfig): Promise<NodeJS.ErrnoException | null> {
    const key = listenKey(service);
    const inherited = this.inherited.get(key);
    if (inherited !== undefined) {
      this.bound.set(key, inherited);
      return null;
    }
    try {
      const bound = await BoundAddress.bind(service.listen);
      this.made.add(bound);
      this.bound.set(key, bound);
      return null;
    } catch (error) {
      return error as NodeJS.ErrnoException;
    }
  }

  /** Keys of the addresses on the same port that the config removes. */
  private overlapped({ listen }: ServiceConfig): string[] {
    if (listen.kind === 'unix') return [];
    const kept = new Set(this.config.services.map(listenKey));
    return [...this.inForce].filter(([key, { port }]) => port === listen.port && !kept.has(key)).map(([key]) => key);
  }
}

/** Closes sockets, one after another. @returns the errors that occurred */
async function closeAll(sockets: Iterable<BoundAddress>): Promise<Error[]> {
  const errors: Error[] = [];
  for (const bound of sockets) {
    const error = await bound.close();
    if (error !== null) errors.push(error);
  }
  return errors;
}

function listeningOf({ service, bound }: Entry): Listening {
  return { service, address: bound.address.text, port: bound.port };
}
