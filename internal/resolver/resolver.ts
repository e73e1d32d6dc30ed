import { hostname, networkInterfaces } from 'node:os';
import { orderAddresses, type Reach, reachOf } from './address-order.ts';
import { askSystem, DnsServers } from './dns-servers.ts';
import { type HostsTable, isAddress, parseHosts } from './hosts-file.ts';
import { type Answer, type LookupWaiter, NameTable } from './name-table.ts';
import { parseResolvConf, type ResolvConf } from './resolv-conf.ts';
import { TextFile } from './text-file.ts';

/** How names are looked up. Null means: as in resolv.conf. */
export interface ResolverSettings {
  /** Whether to ask only the resolver of the C library. */
  readonly system: boolean;
  /** DNS servers, each an IP address with or without a port. */
  readonly servers: readonly string[] | null;
  /** Path of the hosts file; null for /etc/hosts. */
  readonly hosts: string | null;
  /** Milliseconds for one server. */
  readonly timeout: number | null;
  readonly attempts: number | null;
}

/** Settings that use the files of the system. */
export const SYSTEM_FILES: ResolverSettings = {
  system: false,
  servers: null,
  hosts: null,
  timeout: null,
  attempts: null,
};

/** Milliseconds between two checks of the files and of the addresses of the machine. */
const REFRESH_MS = 2000;

/**
 * Finds the addresses of upstream names without a thread: the hosts file is in memory, DNS goes through c-ares. If the
 * answer is not known yet, the caller gets it later. A name for which no server answers does not delay any other name.
 */
export class Resolver {
  private settings: ResolverSettings;
  private readonly resolvConf = new TextFile('/etc/resolv.conf', (text) => parseResolvConf(text, hostname()));
  private hosts: TextFile<HostsTable>;
  private servers: DnsServers | null = null;
  private readonly names = new NameTable(
    (name, done) => void this.ask(name, done),
    () => performance.now(),
  );
  private reach: Reach = reachOf([]);
  private timer: NodeJS.Timeout | null = null;
  /** Number of dials so far; each dial begins with the next address. */
  private turn = 0;

  constructor(settings: ResolverSettings = SYSTEM_FILES) {
    this.settings = settings;
    this.hosts = hostsFile(settings);
  }

  /**
   * Reads the files that the settings name.
   * @returns a function that puts the settings into force; it discards all known answers unless the settings are the
   * same
   */
  async prepare(settings: ResolverSettings): Promise<() => void> {
    const hosts = settings.hosts === this.settings.hosts ? this.hosts : hostsFile(settings);
    await Promise.all([this.refresh(), hosts.refresh()]);
    return () => {
      if (JSON.stringify(settings) === JSON.stringify(this.settings)) return;
      this.hosts = hosts;
      this.settings = settings;
      this.servers = null;
      this.names.clear();
    };
  }

  private async refresh(): Promise<void> {
    this.reach = reachNow() ?? this.reach;
    const [changed] = await Promise.all([this.resolvConf.refresh(), this.hosts.refresh()]);
    if (!changed) return;
    this.servers = null;
    this.names.clear();
  }

  /**
   * Returns the addresses of a name, or an error that says why there are none, if that is known now. Otherwise returns
   * null, and tells the waiter later, exactly once. `order` says which address to try first.
   */
  lookup(host: string, waiter: LookupWaiter): readonly string[] | Error | null {
    this.startRefreshing();
    const name = host.toLowerCase();
    return this.local(name) ?? this.names.lookup(name, waiter);
  }

  /** Removes a waiter for a name. */
  leave(host: string, waiter: LookupWaiter): void {
    this.names.leave(host.toLowerCase(), waiter);
  }

  /** The addresses in the order in which the next dial should try them. */
  order(addresses: readonly string[]): readonly string[] {
    // The C library has already ordered them.
    return this.settings.system ? addresses : orderAddresses(addresses, this.reach, this.turn++);
  }

  /**
   * The addresses that connections to a name may have; null if unknown. Calling this keeps the answer for the name
   * fresh.
   */
  holding(host: string): readonly string[] | null {
    if (isAddress(host)) return null;
    const name = host.toLowerCase();
    const local = this.local(name);
    return local instanceof Error ? null : (local ?? this.names.holding(name));
  }

  /** Answers that need no server. */
  private local(name: string): readonly string[] | Error | null {
    const bare = name.endsWith('.') ? name.slice(0, -1) : name;
    if (bare === 'localhost' || bare.endsWith('.localhost')) return this.loopback(bare);
    // RFC 6761 §6.4: names that never exist.
    if (bare === 'invalid' || bare.endsWith('.invalid')) return new Error('no such name');
    return this.settings.system ? null : (this.hosts.value.get(bare) ?? null);
  }

  /**
   * RFC 6761 §6.3: localhost is always loopback, whatever servers say. The hosts file may choose among its addresses.
   */
  private loopback(name: string): readonly string[] {
    const chosen = this.hosts.value.get(name)?.filter((address) => address === '::1' || address.startsWith('127.'));
    if (chosen !== undefined && chosen.length > 0) return chosen;
    return this.reach.loopbackIPv6 ? LOOPBACK : LOOPBACK_IPV4;
  }

  private async ask(name: string, done: (answer: Answer) => void): Promise<void> {
    done(await this.find(name));
  }

  private async find(name: string): Promise<Answer> {
    try {
      if (this.settings.system) return await askSystem(name);
      this.servers ??= new DnsServers(withSettings(this.resolvConf.value, this.settings));
      return await this.servers.find(name, this.reach.globalIPv6);
    } catch (error) {
      return { kind: 'failed', reason: String(error) };
    }
  }

  /** Starts to check the files regularly. Called with the first lookup. */
  private startRefreshing(): void {
    if (this.timer !== null) return;
    this.timer = setInterval(() => void this.refresh(), REFRESH_MS);
    this.timer.unref();
  }
}

/** Null if the system does not report its addresses, for example because no descriptor is free. */
function reachNow(): Reach | null {
  try {
    const own = Object.values(networkInterfaces()).flat();
    return reachOf(own.map((one) => one?.address ?? ''));
  } catch {
    return null;
  }
}

const LOOPBACK: readonly string[] = ['::1', '127.0.0.1'];
const LOOPBACK_IPV4: readonly string[] = ['127.0.0.1'];

function hostsFile({ hosts }: ResolverSettings): TextFile<HostsTable> {
  return new TextFile(hosts ?? '/etc/hosts', parseHosts);
}

function withSettings(conf: ResolvConf, { servers, timeout, attempts }: ResolverSettings): ResolvConf {
  return {
    ...conf,
    servers: servers ?? conf.servers,
    timeout: timeout ?? conf.timeout,
    attempts: attempts ?? conf.attempts,
  };
}
