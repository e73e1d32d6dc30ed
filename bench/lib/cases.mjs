/** CPU time of prox beside another proxy, in rounds that alternate: a drifting machine is fair to both. */
import { cpuOf, median, stop } from './process.mjs';

const ROUNDS = 3;

/** Seconds of load in a round. */
export const SECONDS = 3;

/**
 * @typedef {object} Contender a proxy under load
 * @property {string} name
 * @property {import('node:child_process').ChildProcess} process
 * @property {() => Promise<number>} load runs a round, and returns how many units of work were done
 */

/**
 * Runs the rounds, one of them to warm up, and stops the contenders.
 * @param {Contender[]} contenders prox, and what it is compared with
 * @returns {Promise<Record<string, { cpu: number, user: number, system: number, perSecond: number }[]>>} rounds by name; CPU
 * in microseconds a unit of work
 */
export async function rounds(contenders) {
  const all = Object.fromEntries(contenders.map(({ name }) => [name, []]));
  for (let i = -1; i < ROUNDS; i++) {
    for (const { name, process, load } of contenders) {
      const measured = await measure(process.pid, load);
      if (i >= 0) all[name].push(measured);
    }
  }
  for (const { process } of contenders) await stop(process);
  return all;
}

/** The median CPU time of a unit of work, in microseconds. */
export function cpuIn(measured) {
  return median(measured.map(({ cpu }) => cpu));
}

async function measure(pid, load) {
  const before = cpuOf(pid);
  const started = performance.now();
  const done = await load();
  const seconds = (performance.now() - started) / 1000;
  const after = cpuOf(pid);
  const user = ((after.user - before.user) * 1e6) / done;
  const system = ((after.system - before.system) * 1e6) / done;
  return { cpu: user + system, user, system, perSecond: done / seconds };
}
