/**
 * Whether the environment asks for polling: `PROX_WATCH_POLL=1` or `true`. chokidar's own CHOKIDAR_USEPOLLING means the
 * same, as it would turn the events off that prox relies on.
 */
export function pollsByEnvironment(env: Readonly<Record<string, string | undefined>>): boolean {
  return [env['PROX_WATCH_POLL'], env['CHOKIDAR_USEPOLLING']].some(
    (value) => value !== undefined && !['', '0', 'false'].includes(value.toLowerCase()),
  );
}

/** Without events, files are looked at this often. */
const POLL_MS = 1000;

/** With events, files are looked at this often all the same: a network mount gives none, and does not say so. */
const SAFETY_POLL_MS = 10_000;

const MAX_POLL_MS = 5 * 60_000;

/** A look may take this share of the time: 10,000 files are looked at less often than ten. */
const POLL_SHARE = 1 / 20;
const SAFETY_POLL_SHARE = 1 / 500;

/**
 * Milliseconds until the files are looked at without an event.
 * @param events whether events come for every folder
 * @param lookMs how long the last look took
 */
export function pollInterval(events: boolean, lookMs: number): number {
  const wanted = events ? Math.max(SAFETY_POLL_MS, lookMs / SAFETY_POLL_SHARE) : Math.max(POLL_MS, lookMs / POLL_SHARE);
  return Math.min(wanted, MAX_POLL_MS);
}
