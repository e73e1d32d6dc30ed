import type { Config, Problem, ServiceConfig } from '../config/index.ts';
import { bindProblem, ListenError, listenKey, StartError } from '../dataplane/index.ts';
import { BoundAddress } from '../transport/index.ts';

/** An address in force, as the log tells of it. */
export interface Listening {
  readonly service: string;
  readonly address: string;
  /** The bound port; 0 on a unix socket. */
  readonly port: number;
}

/** What a config that came in force has changed in the addresses that are listened on. */
export interface Applied {
  readonly opened: readonly Listening[];
  readonly closed: readonly Listening[];
  /** What went wrong when addresses were given up. */
  readonly left: readonly Error[];
}

interface Entry {
  readonly service: string;
  readonly bound: BoundAddress;
}

/** Every address that is bound, by the key of `listenKey`. The sockets are held here as long as they are in force. */
export class AddressTable {
  private entries = new Map<string, Entry>();
  /** Sockets that somebody else has bound, for the first config that names their addresses. */
  private readonly inherited: Map<string, BoundAddress>;
  private closed = false;

  constructor(inherited: ReadonlyMap<string, BoundAddress> = new Map()) {
    this.inherited = new Map(inherited);
  }

  /** The addresses in force. */
  get bound(): ReadonlyMap<string, BoundAddress> {
    return new Map([...this.entries].map(([key, { bound }]) => [key, bound]));
  }

  /** The same, for the log. */
  get listening(): Listening[] {
    return [...this.entries.values()].map(listeningOf);
  }

  /** Begins the change to the addresses of a config. One at a time: it ends with `commit` or `undo`. */
  rebind(config: Config): Rebinding {
    return new Rebinding(this, config, this.inherited);
  }

  /**
   * Gives every address up.
   * @param taken keys of those that a successor goes on with: they are left to it
   * @returns what has gone wrong
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

  /** Takes sockets that somebody else has bound. */
  inherit(sockets: ReadonlyMap<string, BoundAddress>): void {
    for (const [key, bound] of sockets) this.inherited.set(key, bound);
  }

  /** Leaves inherited sockets that no config has named to whoever has them too. */
  disclaim(): void {
    for (const bound of this.inherited.values()) bound.leave();
    this.inherited.clear();
  }

  /** @internal Puts a change in force. `given` are the sockets that are not any more; they are still open. */
  adopt(
    config: Config,
    bound: ReadonlyMap<string, BoundAddress>,
  ): Omit<Applied, 'left'> & { readonly given: BoundAddress[] } {
    // The daemon was told to stop while the change was on its way.
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

  /** @internal Puts another socket in the place of one that was closed. */
  replace(key: string, bound: BoundAddress): void {
    const entry = this.entries.get(key);
    if (entry !== undefined) this.entries.set(key, { ...entry, bound });
  }
}

/**
 * Binds the addresses that a config adds to those in force.
 *
 * An address may overlap one that the config gives up: `:8080` in place of `127.0.0.1:8080`. The kernel refuses the
 * second while the first is bound, so the first is closed a moment before. That comes last of all, when every other
 * address is bound; should it fail all the same, the old addresses are bound again.
 */
export class Rebinding {
  /** The new sockets by their key. */
  readonly bound = new Map<string, BoundAddress>();
  private readonly table: AddressTable;
  private readonly config: Config;
  private readonly inForce: ReadonlyMap<string, BoundAddress>;
  private readonly inherited: Map<string, BoundAddress>;
  private readonly contested: ServiceConfig[] = [];
  /** Those of `bound` that are ours to close, as they were not inherited. */
  private readonly made = new Set<BoundAddress>();
  private readonly closed = new Set<string>();

  constructor(table: AddressTable, config: Config, inherited: Map<string, BoundAddress>) {
    this.table = table;
    this.config = config;
    this.inForce = table.bound;
    this.inherited = inherited;
  }

  /** Keys of the addresses in force that are in the way: they are to be suspended before `bindContested`. */
  get displaced(): string[] {
    return [...new Set(this.contested.flatMap((service) => this.overlapped(service)))];
  }

  /** Binds what is in nobody's way. @throws StartError with every address that cannot be bound */
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

  /** Closes what is displaced, and binds the rest. @throws StartError */
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

  /** The change is in force: gives up the addresses that are not any more. */
  async commit(): Promise<Applied> {
    const { opened, closed, given } = this.table.adopt(this.config, this.bound);
    for (const [key, bound] of this.bound) if (!this.made.has(bound)) this.inherited.delete(key);
    return { opened, closed, left: await closeAll(given) };
  }

  /**
   * Closes what was bound, and binds what was displaced again.
   * @returns the latter by key, and what could not be bound
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

  /** The problem of an address that was bound and could not be listened on; any other error as it is. */
  explain(error: unknown): unknown {
    if (!(error instanceof ListenError)) return error;
    const service = this.config.services.find((candidate) => listenKey(candidate) === error.key);
    return service === undefined ? error : new StartError([bindProblem(service, error)]);
  }

  /** @returns the error of the system, null for none */
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

  /** Keys of the addresses on the same port that the config gives up. */
  private overlapped({ listen }: ServiceConfig): string[] {
    if (listen.kind === 'unix') return [];
    const kept = new Set(this.config.services.map(listenKey));
    return [...this.inForce].filter(([key, { port }]) => port === listen.port && !kept.has(key)).map(([key]) => key);
  }
}

/** Closes sockets, one after another. @returns what has gone wrong */
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
