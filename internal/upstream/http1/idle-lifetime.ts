/** Number of observations: enough that those of a restart do not replace all earlier ones. */
const MAX_OBSERVATIONS = 8;

/** Milliseconds after which an observation that was not repeated is dropped, as the upstream's config may have changed. */
const FORGOTTEN_AFTER_MS = 600_000;

/** A close may come earlier than observed by this time and this share, because clocks are coarse and packets need time. */
const MARGIN_MS = 100;
const MARGIN_SHARE = 0.05;

interface Observation {
  /** Milliseconds that the connection had been idle. */
  readonly idleFor: number;
  readonly at: number;
}

/**
 * Learns how long an upstream keeps idle connections, from those that it closes. A close for another reason (a restart, a
 * bound on requests) counts as its idle time, too, until a connection stays open for longer.
 *
 * Times are milliseconds of one monotonic clock, and come in as arguments.
 */
export class IdleLifetime {
  private observations: Observation[] = [];

  /** The upstream has closed a connection that had been idle for so long. */
  closed(idleFor: number, now: number): void {
    this.observations.push({ idleFor, at: now });
    if (this.observations.length > MAX_OBSERVATIONS) this.observations.shift();
  }

  /** A connection is still open after so long: drops observations of shorter times. */
  survived(idleFor: number): void {
    if (this.observations.length === 0) return;
    this.observations = this.observations.filter((seen) => latest(seen.idleFor) >= idleFor);
  }

  /** Whether the upstream may be about to close a connection that has been idle for so long. */
  mayEnd(idleFor: number, now: number): boolean {
    for (const seen of this.observations) {
      if (now - seen.at < FORGOTTEN_AFTER_MS && idleFor >= earliest(seen.idleFor)) return true;
    }
    return false;
  }
}

function earliest(idleFor: number): number {
  return idleFor - MARGIN_MS - idleFor * MARGIN_SHARE;
}

function latest(idleFor: number): number {
  return idleFor + MARGIN_MS + idleFor * MARGIN_SHARE;
}
