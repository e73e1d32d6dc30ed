/** A reload in the middle of the load: what clients see of it. */
import { wrk } from './load.mjs';
import { each } from './memory-cases.mjs';
import { treeOf } from './process.mjs';
import { answer } from './verify.mjs';
import { FIELDS_PATH } from './upstream.mjs';

const SECONDS = 5;
const RELOAD_AFTER_MS = 1500;
const LOOK_EVERY_MS = 20;

export const reloadCase = {
  reload: {
    title: 'a reload in the middle of the load',
    kind: 'reload',
    unit: 'request',
    needs: ['reload'],
    run: (asked) => each(asked, { generation: 1 }, (running) => reloaded(running, asked.settings.quick)),
  },
};

async function reloaded(running, quick) {
  const { scene, process: child } = running;
  const load = wrk(`http://127.0.0.1:${scene.port}`, quick ? 3 : SECONDS, { tolerant: true });
  // Whatever fails below, its end is waited for.
  const [result, appliedMs] = await Promise.all([load, reload(running)]);
  if (treeOf(child.pid).length === 0) throw new Error('it ended');
  if (appliedMs === null) throw new Error('the new config did not come in force while the load lasted');
  const { done, seconds, ...rest } = result;
  return { done, perSecond: done / seconds, ...rest, appliedMs };
}

/** @returns milliseconds until a request was treated as the new config says, or null if that took too long */
async function reload(running) {
  await new Promise((resolve) => setTimeout(resolve, RELOAD_AFTER_MS));
  const began = performance.now();
  await running.reload(2);
  while (performance.now() - began < 3000) {
    const { body } = await answer(running.scene, FIELDS_PATH).catch(() => ({ body: '' }));
    if (body.includes('"generation":"2"')) return performance.now() - began;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  return null;
}
