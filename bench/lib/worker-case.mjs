/** What a second worker brings, where the machine has a core for it. */
import { wrk } from './load.mjs';
import { median, stop } from './process.mjs';
import { PROX_PORT, startWorkers } from './setup.mjs';

const ROUNDS = 3;
const SECONDS = 3;

/**
 * On two cores the load generator shares them with the workers: so the answers are dear to make (a body of five thousand
 * placeholders) and cheap to take, and nearly all of the work is that of prox.
 */
export const workerCases = {
  async workers() {
    const one = await throughput(1);
    const two = await throughput(2);
    return {
      case: 'requests a second of two workers, beside one',
      prox: `${Math.round(two)}`,
      other: `one worker ${Math.round(one)}`,
      ratio: two / one,
      bound: 'at least 1.80',
    };
  },
};

async function throughput(workers) {
  const prox = await startWorkers(workers, 'x{path}'.repeat(5000));
  const measured = [];
  for (let i = -1; i < ROUNDS; i++) {
    const requests = await wrk(`http://127.0.0.1:${PROX_PORT}/`, SECONDS);
    if (i >= 0) measured.push(requests / SECONDS);
  }
  await stop(prox);
  return median(measured);
}
