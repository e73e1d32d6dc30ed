/** Rounds that alternate between proxies, so that a drifting machine is fair to all. */
import { truncateSync } from 'node:fs';
import { busyOf, cpuOfTree, LOAD_CORE, memoryOfTree } from './process.mjs';
import { Stalled } from './load.mjs';
import { startPeer } from './peers.mjs';

/** How often a round is tried in which nothing moved. */
const ATTEMPTS = 3;

/**
 * @typedef {object} Outcome of a case
 * @property {Record<string, object>} proxies what was measured, by proxy
 * @property {Record<string, string>} failed why there is nothing of a proxy that should have been measured
 */

/**
 * Starts the proxies, runs the rounds, and stops them. One that fails is taken out, and the others go on.
 * @param {object} asked
 * @param {import('./peers.mjs').Peer[]} asked.peers
 * @param {Partial<import('./peers.mjs').Scene>} asked.scene
 * @param {(running: object, seconds: number, rate: number | null) => Promise<import('./load.mjs').Load>} asked.load with
 * the units of work a second of the round before
 * @param {import('./settings.mjs').Settings} asked.settings
 * @param {(name: string, reason: string) => void} asked.onFailure told at once
 * @returns {Promise<Outcome>}
 */
export async function alternate({ peers, scene, load, settings, onFailure }) {
  const proxies = {};
  const failed = {};
  const tried = async (name, act) => {
    try {
      await act();
      return true;
    } catch (error) {
      failed[name] = error.message;
      onFailure(name, error.message);
      delete proxies[name];
      return false;
    }
  };
  const remove = async (contender) => {
    contenders = contenders.filter((other) => other !== contender);
    await contender.stop();
  };
  for (const { name } of peers) proxies[name] = { rounds: [], peak: 0 };
  const started = await Promise.all(
    peers.map(async (peer) => {
      let running = null;
      await tried(peer.name, async () => (running = { ...(await startPeer(peer, scene)), rate: null }));
      return running;
    }),
  );
  let contenders = started.filter((running) => running !== null);
  for (let round = -1; round < settings.rounds; round++) {
    for (const contender of contenders) {
      const { name } = contender.peer;
      const well = await tried(name, async () => {
        const measured = await steady(contender, load, round < 0 ? settings.warmSeconds : settings.seconds);
        contender.rate = measured.perSecond;
        if (round < 0) return;
        proxies[name].rounds.push(measured);
        proxies[name].peak = memoryOfTree(contender.process.pid).peak;
      });
      if (!well) await remove(contender);
    }
  }
  await Promise.all(contenders.map((contender) => contender.stop()));
  return { proxies, failed };
}

/** A round, again where the machine stood still; a proxy that does so each time has failed. */
async function steady(contender, load, seconds) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await measure(contender, load, seconds);
    } catch (error) {
      if (!(error instanceof Stalled) || attempt === ATTEMPTS) throw error;
      console.error(`  ${contender.peer.name}: ${error.message}; again`);
    }
  }
}

/** One round: what was done, and what it cost the proxy in CPU time, in microseconds a unit of work. */
export async function measure(running, load, seconds) {
  const { pid } = running.process;
  const before = { proxy: cpuOfTree(pid), load: busyOf(LOAD_CORE), at: performance.now() };
  const { done, seconds: took, ...rest } = await load(running, seconds, running.rate);
  const after = { proxy: cpuOfTree(pid), load: busyOf(LOAD_CORE), at: performance.now() };
  if (running.scene.accessLog !== null) truncateSync(running.scene.accessLog);
  const each = (kind) => ((after.proxy[kind] - before.proxy[kind]) * 1e6) / done;
  return {
    perSecond: done / took,
    user: each('user'),
    system: each('system'),
    ...rest,
    loadCoreBusy: Math.min(1, (after.load - before.load) / ((after.at - before.at) / 1000)),
  };
}
