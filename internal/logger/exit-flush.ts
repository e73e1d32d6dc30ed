/** A file whose lines must not be lost when the process ends without warning. */
export interface Flushable {
  /** Writes out at once everything that is still in memory. Never throws. */
  flushSync(): void;
}

const open = new Set<Flushable>();

/**
 * Flushes `file` when the process exits: through process.exit, after an uncaught exception, or because no work is left.
 * (A signal that kills the process leaves no time for this.)
 */
export function flushAtExit(file: Flushable): void {
  if (open.size === 0) process.on('exit', processOnExit);
  open.add(file);
}

/** Undoes `flushAtExit`. */
export function forgetAtExit(file: Flushable): void {
  open.delete(file);
  if (open.size === 0) process.off('exit', processOnExit);
}

let exiting = false;

/** True from the `exit` event on. Asynchronous work that begins after it is never done. */
export function isExiting(): boolean {
  return exiting;
}

/** The console was opened first and is flushed last, because it reports what the other files could not write. */
function processOnExit(): void {
  exiting = true;
  for (const file of [...open].toReversed()) file.flushSync();
}
