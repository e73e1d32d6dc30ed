/**
 * The names that `process.getActiveResourcesInfo` uses for work of the thread pool: for files, and for looking up
 * names.
 */
const THREAD_WORK: ReadonlySet<string> = new Set(['FSReqCallback', 'FSReqPromise', 'GetAddrInfoReqWrap']);

/** Milliseconds that such work may take when nothing else is left to do. */
const END_WAIT = 1000;

/** The same after a second signal. */
export const END_NOW_WAIT = 100;

/** Milliseconds between two checks. */
const LOOK_EVERY = 10;

/** The highest exit status so far. */
let highest = 0;

/**
 * Ends the process. `process.exit` alone does not guarantee this: it waits for the threads of libuv, and a thread that
 * writes to a pipe without a reader, or asks a name server that does not answer, returns late or never. If such work is
 * not over in time, the process ends itself with SIGKILL. Must be called after everything was saved.
 *
 * The wait is counted in checks and not by the clock. A reload that is being parsed blocks the event loop, and the
 * files that it reads meanwhile are not stuck threads.
 * @param status exit status of the process, if no thread is stuck. Of several calls, the highest status counts: a second
 *   signal, which exits with 1, may meet an end in order that is just over.
 * @param patience milliseconds to wait for threads while the event loop is free
 */
export async function endProcess(status: number, patience = END_WAIT): Promise<never> {
  highest = Math.max(highest, status);
  for (let looks = Math.ceil(patience / LOOK_EVERY); looks > 0; looks--) {
    // The log lines of this turn of the event loop are being written by then.
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY));
    if (!process.getActiveResourcesInfo().some((name) => THREAD_WORK.has(name))) process.exit(highest);
  }
  process.kill(process.pid, 'SIGKILL');
  return new Promise(() => {});
}
