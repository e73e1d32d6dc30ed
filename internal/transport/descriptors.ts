import { readdirSync, readFileSync } from 'node:fs';

/** Descriptors that stay free for files, for reopened logs and for a reload, however little the process has open. */
const LEAST_RESERVE = 32;

/** Nor is more than this share of the limit kept: with many listeners, or files open at the moment, clients would get nothing. */
const LARGEST_RESERVE = 1 / 8;

/**
 * The descriptors of a process, and who may take another one.
 *
 * A process whose descriptors are used up can serve nothing more: it reaches no upstream, opens no file, reloads
 * nothing, and libuv closes connections that wait to be accepted. So clients get half of what is not in use by other
 * things, as each may need an upstream connection or a file beside its own socket, and something is kept in reserve.
 *
 *     0 ── in use: Node, listeners, logs ── clients ── their upstream connections and files ── reserve ── limit
 */
export class DescriptorBudget {
  /** What the system allows the process; Infinity when it sets no limit, or none is known. */
  readonly limit: number;
  /** Sockets of clients that are open. */
  clients = 0;
  /** Sockets to upstreams that are open. */
  dialed = 0;
  /** Kept for files, reopened logs and a reload. */
  reserve = LEAST_RESERVE;
  /** Closes a socket to an upstream that is idle; says whether there was one. */
  relieve: () => boolean = () => false;
  private others = LEAST_RESERVE;

  constructor(limit: number) {
    this.limit = limit;
  }

  /**
   * Counts what else is open: Node's own, listeners, logs. A reload may need as many again before it closes the old ones.
   * @param open descriptors of the process, all together
   */
  measure(open: number): void {
    this.others = Math.max(0, open - this.clients - this.dialed);
    this.reserve = Math.max(LEAST_RESERVE, Math.min(this.others, Math.floor(this.limit * LARGEST_RESERVE)));
  }

  /** Sockets that clients may have open at a time: 1 at least. */
  get maxClients(): number {
    const usable = this.limit - this.others - this.reserve;
    return Math.max(1, Math.floor(Math.min(usable / 2, usable - this.dialed)));
  }

  /** Whether a socket to an upstream may be opened. Half of the reserve is left by the last one. */
  get mayDial(): boolean {
    return this.clients + this.dialed + this.others + this.reserve / 2 < this.limit;
  }
}

/** Those of this process. */
export const descriptors = new DescriptorBudget(descriptorLimit());

/** Looks how many descriptors are open now: to be called when listeners and logs have changed. */
export function measureDescriptors(): void {
  if (descriptors.limit === Infinity) return;
  try {
    descriptors.measure(readdirSync('/proc/self/fd').length);
  } catch {
    // Only Linux tells; elsewhere the assumption stands.
  }
}

/** How many descriptors this process may have open; Infinity when there is no limit, or the system does not tell. */
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
