/** Thrown if a reload did not run because the queue was closed before its turn. */
export class ReloadQueueClosed extends Error {
  constructor() {
    super('the reload was not run, as prox is stopping');
    this.name = 'ReloadQueueClosed';
  }
}

interface Run<T> {
  readonly why: Set<string>;
  readonly promise: Promise<T>;
  readonly resolve: (value: T | PromiseLike<T>) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * Runs one reload at a time for all requests: changed files, SIGHUP, later the management API.
 *
 *     request ─┬─ none in progress ────────> a run begins
 *              └─ one in progress ─────────> waits for the next run, together with all other requests
 *
 * A run that began before the request may have read the files before they changed; therefore the request waits for the
 * next one. Each request gets the result of the run that served it.
 */
export class ReloadQueue<T> {
  readonly #reload: (why: string) => Promise<T>;
  #busy = false;
  #drained: Promise<void> = Promise.resolve();
  #next: Run<T> | null = null;
  #closed = false;

  /** @param reload is not called again before its last call has settled; `why` joins the reasons of all requests */
  constructor(reload: (why: string) => Promise<T>) {
    this.#reload = reload;
  }

  /** Whether a reload is in progress. */
  get busy(): boolean {
    return this.#busy;
  }

  /**
   * Requests a reload that begins now or later. A reload that has already begun does not count.
   * @param why for the log, such as `SIGHUP`
   * @throws ReloadQueueClosed, or the error of the reload
   */
  request(why: string): Promise<T> {
    if (this.#closed) return Promise.reject(new ReloadQueueClosed());
    this.#next ??= newRun();
    this.#next.why.add(why);
    const { promise } = this.#next;
    if (!this.#busy) this.#drained = this.#drain();
    return promise;
  }

  /**
   * Refuses waiting and further requests. Resolves when no reload runs any more; must not be awaited within a reload.
   */
  async close(): Promise<void> {
    this.#closed = true;
    this.#next?.reject(new ReloadQueueClosed());
    this.#next = null;
    await this.#drained;
  }

  async #drain(): Promise<void> {
    this.#busy = true;
    for (let run = this.#next; run !== null; run = this.#next) {
      this.#next = null;
      try {
        run.resolve(await this.#reload([...run.why].join(', ')));
      } catch (error) {
        run.reject(error);
      }
    }
    this.#busy = false;
  }
}

function newRun<T>(): Run<T> {
  let resolve: Run<T>['resolve'] = () => undefined;
  let reject: Run<T>['reject'] = () => undefined;
  const promise = new Promise<T>((fulfil, refuse) => {
    resolve = fulfil;
    reject = refuse;
  });
  return { why: new Set(), promise, resolve, reject };
}
