/** What `process.getActiveResourcesInfo` calls work of the thread pool: of files, and of looking names up. */
const THREAD_WORK: ReadonlySet<string> = new Set(['FSReqCallback', 'FSReqPromise', 'GetAddrInfoReqWrap']);

/** Milliseconds that such work may take to end when nothing else is left to be done. */
const END_WAIT = 1000;

/** The same after a second signal. */
export const END_NOW_WAIT = 100;

/** Milliseconds between two looks. */
const LOOK_EVERY = 10;

/**
 * Ends the process, which `process.exit` alone cannot promise: it waits for the threads of libuv, and a thread that writes
 * to a pipe without a reader, or asks a name server that does not answer, comes back late or never. So when such work
 * is not over in time, the process ends by SIGKILL. To be called when everything worth saving is saved.
 *
 * The wait is counted in looks and not by the clock: a reload that is being parsed blocks the event loop, and the files that it
 * reads meanwhile are no stuck threads.
 * @param status of the process, when no thread is stuck
 * @param patience milliseconds to wait for threads while the event loop is free
 */
export async function endProcess(status: number, patience = END_WAIT): Promise<never> {
  for (let looks = Math.ceil(patience / LOOK_EVERY); looks > 0; looks--) {
    // Log lines of this turn of the loop are on their way by then.
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY));
    if (!process.getActiveResourcesInfo().some((name) => THREAD_WORK.has(name))) process.exit(status);
  }
  process.kill(process.pid, 'SIGKILL');
  return new Promise(() => {});
}
