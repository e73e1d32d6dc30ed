import { setTimeout as delay } from 'node:timers/promises';

/** How long anything may take that normally takes milliseconds; a slow machine must not fail a test. */
const PATIENCE_MS = 15_000;

/** Waits until the condition holds, looking again every few milliseconds: for conditions without an event. */
export async function eventually<T>(
  what: string,
  probe: () => T | Promise<T>,
  patience = PATIENCE_MS,
): Promise<NonNullable<T>> {
  const end = Date.now() + patience;
  for (;;) {
    const found = await probe();
    if (found !== null && found !== undefined && found !== false) return found;
    if (Date.now() > end) throw new Error(`timed out while waiting for ${what}`);
    await delay(10);
  }
}

/** Lets tests wait for something that tells whenever it has changed. */
export class Changes {
  private readonly waiting = new Set<() => void>();

  /** Something has changed. */
  notify(): void {
    for (const wake of this.waiting) wake();
  }

  /**
   * Waits until the condition holds, which is looked at after every change.
   * @param complaint the message when the wait times out
   * @throws Error that, or what the condition throws
   */
  async until(condition: () => boolean, complaint: () => string): Promise<void> {
    const end = Date.now() + PATIENCE_MS;
    while (!condition()) {
      const left = end - Date.now();
      if (left <= 0) throw new Error(`timed out while waiting for ${complaint()}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        const wake = (): void => {
          clearTimeout(timer);
          this.waiting.delete(wake);
          resolve();
        };
        this.waiting.add(wake);
      });
    }
  }
}
