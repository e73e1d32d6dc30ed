import { setTimeout } from 'node:timers/promises';

/** How long anything may take that normally takes milliseconds; a slow machine must not fail a test. */
const PATIENCE_MS = 15_000;

/** Waits until the condition holds, looking again every few milliseconds: for what tells nobody that it has come. */
export async function eventually<T>(what: string, probe: () => T | Promise<T>): Promise<NonNullable<T>> {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const found = await probe();
    if (found !== null && found !== undefined && found !== false) return found;
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await setTimeout(10);
  }
}
