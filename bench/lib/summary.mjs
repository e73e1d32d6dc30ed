/** What the rounds of the raw results amount to. */
import { median, spread } from './stats.mjs';

/** What every proxy is compared with; see baseOf. */
export const REFERENCE = 'nginx';
const SECOND = 'haproxy';

/**
 * Medians over the rounds of a proxy in a case of load, or null where it was not measured.
 * @param {object} results as in results.json
 */
export function summary(results, name, proxy) {
  return summaryOf(results.cases[name]?.proxies[proxy]);
}

/** @param {{ rounds: object[], peak: number } | undefined} measured */
export function summaryOf(measured) {
  if (measured === undefined || measured.rounds === undefined || measured.rounds.length === 0) return null;
  const { rounds, peak } = measured;
  const middle = (figure) => (rounds[0][figure] === undefined ? null : median(rounds.map((round) => round[figure])));
  const cpu = rounds.map(({ user, system }) => user + system);
  return {
    cpu: median(cpu),
    spread: spread(cpu),
    user: middle('user'),
    system: middle('system'),
    perSecond: middle('perSecond'),
    p50: middle('p50'),
    p99: middle('p99'),
    p999: middle('p999'),
    loadCoreBusy: middle('loadCoreBusy'),
    peak,
  };
}

/** CPU a unit of work beside another proxy's, or null where one of them was not measured. */
export function cpuRatio(results, name, proxy, other = REFERENCE) {
  const [own, theirs] = [summary(results, name, proxy), summary(results, name, other)];
  return own === null || theirs === null ? null : own.cpu / theirs.cpu;
}

/** What the proxies of a case are compared with: nginx, and HAProxy where nginx takes no part. */
export function baseOf(results, name) {
  return summary(results, name, REFERENCE) === null && summary(results, name, SECOND) !== null ? SECOND : REFERENCE;
}
