/** Observations kept: enough that some of a restart do not drive out what was learnt before. */
const MAX_OBSERVATIONS = 8;

/** After so long without the upstream doing it again, an observation is forgotten: its config may be another by now. */
const FORGOTTEN_AFTER_MS = 600_000;

/** How much earlier than it was seen a close has to be expected: clocks are coarse, and packets take their time. */
const MARGIN_MS = 100;
const MARGIN_SHARE = 0.05;

interface Observation {
  /** Milliseconds that the connection had been idle. */
  readonly idleFor: number;
  readonly at: number;
}

/**
 * How long an upstream keeps idle connections, as far as it has shown by closing some. What it closes for other reasons
 * (a restart, a bound on requests) is taken for its idle time at first, until a connection outlives that.
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

  /** A connection is open that has been idle for so long: what says that the upstream would have closed it is wrong. */
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
