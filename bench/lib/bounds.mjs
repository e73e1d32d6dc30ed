/** What prox is to reach, each as one number out of the results of a run. */
import { cpuRatio, REFERENCE, summary, summaryOf } from './summary.mjs';
import { median } from './stats.mjs';

/**
 * @typedef {object} Bound
 * @property {string} name of the case
 * @property {string} what figure of it is meant
 * @property {string} [beside] the proxy that it is compared with; left out: it stands for itself
 * @property {'most' | 'least'} side
 * @property {number} limit
 * @property {string} [unit]
 * @property {(results: object, proxy: string) => number | null} value of prox on a line of Node; null: not measured
 */

const cpu = (name, limit, beside = REFERENCE) => ({
  name,
  what: 'CPU',
  beside,
  side: 'most',
  limit,
  value: (results, proxy) => cpuRatio(results, name, proxy, beside),
});

/** p99 beside nginx's, each proxy at a rate of its own or all at the same. */
const p99 = (rate, what) => ({
  name: 'latency',
  what,
  beside: REFERENCE,
  side: 'most',
  limit: 1.5,
  value(results, proxy) {
    const proxies = results.cases.latency?.proxies;
    const [own, theirs] = [summaryOf(proxies?.[proxy]?.[rate]), summaryOf(proxies?.[REFERENCE]?.[rate])];
    return own === null || theirs === null ? null : own.p99 / theirs.p99;
  },
});

const single = (name, what, side, limit, unit, value) => ({
  name,
  what,
  side,
  limit,
  unit,
  value(results, proxy) {
    const measured = results.cases[name]?.proxies[proxy];
    return measured === undefined ? null : value(measured);
  },
});

/** @type {Bound[]} */
const FIXED = [
  cpu('keep-alive', 1.15),
  cpu('keep-alive-16k', 1.05),
  cpu('body-1m', 0.9),
  cpu('gzip-16k', 1.15),
  cpu('new-connections', 1.6),
  cpu('https-keep-alive', 1.25),
  cpu('routes-10k', 1.2),
  cpu('serve-4k', 1.5),
  p99('own', 'p99, each at 70 % of its own'),
  p99('same', 'p99, both at 70 % of that of nginx'),
  {
    name: 'https-handshakes',
    what: 'handshakes a second',
    beside: REFERENCE,
    side: 'least',
    limit: 0.8,
    value(results, proxy) {
      const [own, theirs] = [proxy, REFERENCE].map((name) => summary(results, 'https-handshakes', name));
      return own === null || theirs === null ? null : own.perSecond / theirs.perSecond;
    },
  },
  cpu('h2', 2.5),
  cpu('l4-pass', 1, 'haproxy'),
  single('workers', 'two ÷ one', 'least', 1.8, '', ({ one, two }) => median(two) / median(one)),
  single('idle', 'memory each', 'most', 8, ' KiB', ({ bytesEach }) => bytesEach / 1024),
  single('start', 'time', 'most', 300, ' ms', ({ ms }) => median(ms)),
  single('slow-reader', 'growth', 'most', 32, ' MB', ({ growth }) => growth / 1e6),
];

/** Those beside each Go and JavaScript proxy that was measured come after nginx's. @returns {Bound[]} */
export function bounds(results) {
  const beside = Object.entries(results.proxies).flatMap(([name, { kind }]) => {
    if (kind === 'go') return [cpu('keep-alive', 0.5, name)];
    return kind === 'javascript' ? [cpu('keep-alive', 0.35, name)] : [];
  });
  return [...FIXED, ...beside];
}

/** Whether a value keeps a bound. */
export function reached({ side, limit }, value) {
  return side === 'most' ? value <= limit : value >= limit;
}
