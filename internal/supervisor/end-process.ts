/** What `process.getActiveResourcesInfo` calls work of the thread pool: of files, and of looking names up. */
const THREAD_WORK: ReadonlySet<string> = new Set(['FSReqCallback', 'FSReqPromise', 'GetAddrInfoReqWrap']);

/** Milliseconds that such work may take to end when nothing else is left to be done. */
export const END_WAIT = 1000;

/** The same, for whoever does not want to wait. */
export const END_NOW_WAIT = 100;

/** Milliseconds between two looks. */
const LOOK_EVERY = 10;

/**
 * Ends the process, which `process.exit` alone cannot promise: it waits for the threads of libuv, and one that writes
 * to a pipe which nobody reads, or asks a name server that does not answer, comes back late or never. So when such work
 * is not over in time, the process ends by SIGKILL. To be called when everything worth saving is saved.
 * @param status of the process, when no thread is stuck
 * @param patience milliseconds to wait for threads
 */
export async function endProcess(status: number, patience = END_WAIT): Promise<never> {
  const end = performance.now() + patience;
  do {
    // Log lines of this turn of the loop are on their way by then.
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY));
    if (!process.getActiveResourcesInfo().some((name) => THREAD_WORK.has(name))) process.exit(status);
  } while (performance.now() < end);
  process.kill(process.pid, 'SIGKILL');
  return new Promise(() => {});
}
