/** Why a reload was not run: the queue was closed before its turn came. */
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
 * Makes one reload at a time of everything that asks for one: changed files, SIGHUP, later the management API.
 *
 *     request ─┬─ nothing runs ──────────> a run begins
 *              └─ a run is under way ────> waits for the next run, together with whoever else asks meanwhile
 *
 * A run that began before the request may have read the files before they changed, hence the next one. Everybody gets
 * the result of the run that served the request.
 */
export class ReloadQueue<T> {
  readonly #reload: (why: string) => Promise<T>;
  #busy = false;
  #drained: Promise<void> = Promise.resolve();
  #next: Run<T> | null = null;
  #closed = false;

  /** @param reload is never called before its last call has settled; `why` joins the reasons of those that asked */
  constructor(reload: (why: string) => Promise<T>) {
    this.#reload = reload;
  }

  /** Whether a reload is under way. */
  get busy(): boolean {
    return this.#busy;
  }

  /**
   * Asks for a reload that begins now or later, never one that has begun.
   * @param why for the log, such as `SIGHUP`
   * @throws ReloadQueueClosed, or what the reload threw
   */
  request(why: string): Promise<T> {
    if (this.#closed) return Promise.reject(new ReloadQueueClosed());
    this.#next ??= newRun();
    this.#next.why.add(why);
    const { promise } = this.#next;
    if (!this.#busy) this.#drained = this.#drain();
    return promise;
  }

  /** Refuses what waits and what comes. Resolves when nothing runs any more; not to be awaited from within a reload. */
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
