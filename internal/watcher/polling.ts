/**
 * Whether the environment asks for polling: `PROX_WATCH_POLL=1` or `true`. CHOKIDAR_USEPOLLING means the same, because
 * it turns off the events of chokidar on which prox relies.
 */
export function pollsByEnvironment(env: Readonly<Record<string, string | undefined>>): boolean {
  return [env['PROX_WATCH_POLL'], env['CHOKIDAR_USEPOLLING']].some(
    (value) => value !== undefined && !['', '0', 'false'].includes(value.toLowerCase()),
  );
}

/** Milliseconds between two checks of the files without events. */
const POLL_MS = 1000;

/**
 * Milliseconds between two checks of the files in spite of events: a network mount delivers none, and does not say so.
 */
const SAFETY_POLL_MS = 10_000;

const MAX_POLL_MS = 5 * 60_000;

/** The largest share of the time that checks may take: 10,000 files are checked less often than ten. */
const POLL_SHARE = 1 / 20;
const SAFETY_POLL_SHARE = 1 / 500;

/**
 * Milliseconds until the next check of the files.
 * @param events whether every folder delivers events
 * @param lookMs duration of the last check
 */
export function pollInterval(events: boolean, lookMs: number): number {
  const wanted = events ? Math.max(SAFETY_POLL_MS, lookMs / SAFETY_POLL_SHARE) : Math.max(POLL_MS, lookMs / POLL_SHARE);
  return Math.min(wanted, MAX_POLL_MS);
}
