/** prox as it was at another commit of this repository, as one of the proxies: for a change that must not cost speed. */
import { execFileSync } from 'node:child_process';
import { checkOut } from '../micro/compare/worktree.mjs';
import { MAIN_LINE } from './nodes.mjs';
import { proxOn } from './prox-peer.mjs';
import { median, spread } from './stats.mjs';

/** The name of the proxy in results. */
export const BEFORE = 'prox-before';

/**
 * Checks a commit out and builds it; the checkout goes when this process exits.
 * @param {string} ref branch, tag or commit
 * @returns {import('./peers.mjs').Peer}
 * @throws {Error} when there is no such commit, or it cannot be built
 */
export function proxBefore(ref) {
  const { tree, commit } = checkOut(ref);
  execFileSync(process.execPath, ['scripts/build.mjs'], { cwd: tree, stdio: ['ignore', 'ignore', 'inherit'] });
  return proxOn(MAIN_LINE, { name: BEFORE, title: `prox at ${commit}`, order: 1, root: `${tree}/` });
}

/**
 * What a case costs beside what it did before: the median over the rounds, each round beside the one of the same turn,
 * so that a drifting machine is in both; null where one of the two was not measured.
 * @param {object} results of a run
 * @param {string} name of a case of load
 * @returns {{ ratio: number, spread: number } | null}
 */
export function costBeside(results, name) {
  const [now, before] = ['prox', BEFORE].map((proxy) => results.cases[name]?.proxies[proxy]?.rounds?.map(cpuOf));
  if (now === undefined || before === undefined) return null;
  const ratios = now.map((cpu, turn) => cpu / before[turn]).filter((ratio) => Number.isFinite(ratio));
  return ratios.length === 0 ? null : { ratio: median(ratios), spread: spread(ratios) };
}

function cpuOf({ user, system }) {
  return user + system;
}

/** The comparison as lines of text, a case each. */
export function comparison(results) {
  const lines = Object.keys(results.cases).flatMap((name) => {
    const cost = costBeside(results, name);
    return cost === null ? [] : [`${name.padEnd(20)} ${cost.ratio.toFixed(3)}  (spread ${cost.spread.toFixed(2)})`];
  });
  return ['CPU of prox beside what it was, median of the rounds in turns:', ...lines].join('\n');
}
