import { readdirSync, readFileSync } from 'node:fs';

/** Descriptors that always stay free for files, for reopened logs and for a reload. */
const LEAST_RESERVE = 32;

/**
 * The largest reserve, as a share of the limit. With many listeners or open files, a larger one would leave nothing for
 * clients.
 */
const LARGEST_RESERVE = 1 / 8;

/**
 * The file descriptors of a process, and whether another one may be used.
 *
 * A process without free descriptors cannot serve: it reaches no upstream, opens no file, reloads nothing, and libuv
 * closes connections that wait to be accepted. So clients get half of the descriptors that nothing else uses, because
 * each client may need an upstream connection or a file besides its own socket, and some descriptors are kept in
 * reserve.
 *
 *     0 ── in use: Node, listeners, logs ── clients ── their upstream connections and files ── reserve ── limit
 */
export class DescriptorBudget {
  /** The limit of the system; Infinity if there is none, or if it is unknown. */
  readonly limit: number;
  /** Sockets of clients that are open. */
  clients = 0;
  /** Sockets to upstreams that are open. */
  dialed = 0;
  /** Kept for files, reopened logs and a reload. */
  reserve = LEAST_RESERVE;
  /** Closes an idle socket to an upstream; returns whether there was one. */
  relieve: () => boolean = () => false;
  private others = LEAST_RESERVE;

  constructor(limit: number) {
    this.limit = limit;
  }

  /**
   * Counts the other open descriptors: those of Node, listeners and logs. A reload may need as many again before it
   * closes the old ones.
   * @param open number of open descriptors of the process
   */
  measure(open: number): void {
    this.others = Math.max(0, open - this.clients - this.dialed);
    this.reserve = Math.max(LEAST_RESERVE, Math.min(this.others, Math.floor(this.limit * LARGEST_RESERVE)));
  }

  /** Number of sockets that clients may have open at a time; at least 1. */
  get maxClients(): number {
    const usable = this.limit - this.others - this.reserve;
    return Math.max(1, Math.floor(Math.min(usable / 2, usable - this.dialed)));
  }

  /** Whether a socket to an upstream may be opened. This never uses more than half of the reserve. */
  get mayDial(): boolean {
    return this.clients + this.dialed + this.others + this.reserve / 2 < this.limit;
  }
}

/** The budget of this process. */
export const descriptors = new DescriptorBudget(descriptorLimit());

/** Counts the open descriptors. Must be called when listeners or logs have changed. */
export function measureDescriptors(): void {
  if (descriptors.limit === Infinity) return;
  try {
    descriptors.measure(readdirSync('/proc/self/fd').length);
  } catch {
    // Only Linux reports the number; on other systems the initial assumption stays.
  }
}

/**
 * How many descriptors this process may have open; Infinity if there is no limit, or if the system does not report it.
 */
export function descriptorLimit(): number {
  try {
    return limitOf(/^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]);
  } catch {
    const report = process.report.getReport() as { readonly userLimits?: { readonly open_files?: { soft?: unknown } } };
    return limitOf(report.userLimits?.open_files?.soft);
  }
}

function limitOf(text: unknown): number {
  const limit = Number(text);
  return Number.isSafeInteger(limit) && limit > 0 ? limit : Infinity;
}
