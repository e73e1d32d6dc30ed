/** What must not be lost when the process ends without warning. */
export interface Flushable {
  /** Writes out at once what is still in memory; never throws. */
  flushSync(): void;
}

const open = new Set<Flushable>();

/**
 * Has `file` flushed when the process exits: through process.exit, an uncaught exception, or because nothing is left
 * to do. (A signal that kills leaves no time for it.)
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

/** True from the `exit` event on: what is begun asynchronously now is never done. */
export function isExiting(): boolean {
  return exiting;
}

/** The console was opened first and is flushed last: it reports what the others could not write. */
function processOnExit(): void {
  exiting = true;
  for (const file of [...open].toReversed()) file.flushSync();
}
