/** What prox alone is measured for: its start, and what a second worker brings. */
import { wrk } from './load.mjs';
import { startPeer } from './peers.mjs';
import { LOAD_CORE, PROXY_CORE } from './process.mjs';
import { each } from './memory-cases.mjs';

const STARTS = 7;
const WORKER_SECONDS = 2;

/**
 * On two cores the load generator shares them with the workers: so the answers are dear to make (a body of five thousand
 * placeholders) and cheap to take, and nearly all of the work is that of prox.
 */
const DEAR_TEXT = 'x{path}'.repeat(5000);

export const proxCases = {
  start: {
    title: 'from start to listening',
    kind: 'start',
    unit: 'start',
    needs: [],
    only: ['prox'],
    bound: true,
    run: starts,
  },
  workers: {
    title: 'two workers beside one, requests a second',
    kind: 'workers',
    unit: 'request',
    needs: [],
    only: ['prox'],
    run: workers,
  },
};

/** From the start of the process to the first accepted connection. */
function starts(asked) {
  const { peers, settings, onFailure } = asked;
  return each({ peers, onFailure }, { unverified: true }, async ({ peer }) => {
    const ms = [];
    for (let i = 0; i < (settings.quick ? 1 : STARTS); i++) {
      const before = performance.now();
      // On a port of its own: the one that `each` has started holds the first.
      const running = await startPeer({ ...peer, number: peer.number + 50 }, { unverified: true });
      ms.push(performance.now() - before);
      await running.stop();
    }
    return { ms };
  });
}

async function workers({ peers, settings, onFailure }) {
  const scene = { answer: DEAR_TEXT, unverified: true, cores: `${PROXY_CORE},${LOAD_CORE}` };
  const measured = async (count) => {
    const rounds = {};
    const { failed } = await each({ peers, onFailure }, { ...scene, workers: count }, async ({ peer, scene }) => {
      const all = [];
      for (let i = -1; i < settings.rounds; i++) {
        const { done, seconds } = await wrk(`http://127.0.0.1:${scene.port}`, settings.quick ? 1 : WORKER_SECONDS);
        if (i >= 0) all.push(done / seconds);
      }
      rounds[peer.name] = all;
    });
    return { rounds, failed };
  };
  const [one, two] = [await measured(1), await measured(2)];
  const names = Object.keys(two.rounds).filter((name) => name in one.rounds);
  return {
    proxies: Object.fromEntries(names.map((name) => [name, { one: one.rounds[name], two: two.rounds[name] }])),
    failed: { ...one.failed, ...two.failed },
  };
}
