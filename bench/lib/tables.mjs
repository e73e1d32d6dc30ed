/** The results as Markdown tables. Everything in them comes out of results.json. */
import { bounds, reached } from './bounds.mjs';
import { median } from './stats.mjs';
import { cpuRatio, REFERENCE, summary, summaryOf } from './summary.mjs';

/** The line of Node that has the columns; the others stand beside it in the table of bounds and in the full tables. */
const MAIN = 'prox';
const NONE = '–';

const µs = (value) => (value === null ? NONE : value < 100 ? value.toFixed(1) : Math.round(value).toLocaleString('en'));
const ms = (value) => (value === null || value === undefined ? NONE : (value / 1000).toFixed(value < 10_000 ? 2 : 0));
const MB = (value) => (value / 1e6).toFixed(value < 10_000_000 ? 1 : 0);
const whole = (value) => Math.round(value).toLocaleString('en');
const ratio = (value) => (value === null ? NONE : value.toFixed(2));
const percent = (value) => `${Math.round(100 * value)} %`;

function table(head, rows) {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** CPU a unit of work of every proxy in every case of load, and beside nginx's. */
export function compactTable(results) {
  const names = Object.keys(results.proxies).filter((name) => name === MAIN || results.proxies[name].kind !== 'prox');
  const cases = Object.entries(results.cases).filter(([, { kind }]) => kind === 'load');
  const rows = cases.map(([name, { title }]) => [
    title,
    ...names.map((proxy) => {
      const measured = summary(results, name, proxy);
      if (measured === null) return results.cases[name].failed[proxy] === undefined ? NONE : 'failed';
      const beside = cpuRatio(results, name, proxy);
      return beside === null || proxy === REFERENCE ? µs(measured.cpu) : `${µs(measured.cpu)} (${ratio(beside)})`;
    }),
  ]);
  return table(['CPU µs, and beside nginx', ...names.map((name) => results.proxies[name].title)], rows);
}

/** What prox is to reach, and whether it does. */
export function boundsTable(results) {
  const lines = Object.keys(results.proxies).filter((name) => name !== MAIN && results.proxies[name].kind === 'prox');
  const shown = ({ unit }, value) => (value === null ? NONE : `${value.toFixed(unit === '' ? 2 : 1)}${unit}`);
  const rows = bounds(results).flatMap((bound) => {
    const own = bound.value(results, MAIN);
    if (own === null) return [];
    const limit = `at ${bound.side} ${bound.limit}${bound.unit}`;
    const others = lines.map((name) => shown(bound, bound.value(results, name)));
    return [[bound.title, limit, shown(bound, own), reached(bound, own) ? 'yes' : '**no**', ...others]];
  });
  return table(
    ['', 'to reach', results.proxies[MAIN]?.title ?? MAIN, 'reached', ...lines.map((n) => results.proxies[n].title)],
    rows,
  );
}

/** Everything that was measured in a case. */
export function resultTable(results, name) {
  const result = results.cases[name];
  const lines = [`${RESULTS[result.kind](results, name)}`];
  const told = (word, reasons) =>
    Object.entries(reasons).map(([proxy, why]) => `${titleOf(results, proxy)}: ${word}${firstLine(why)}`);
  const notes = [...told('**failed**: ', result.failed), ...told('', result.leftOut)];
  if (notes.length > 0) lines.push('', `Without figures: ${notes.join('; ')}.`);
  return lines.join('\n');
}

const RESULTS = {
  load: loadTable,
  latency: latencyTable,
  reload: reloadTable,
  idle: idleTable,
  start: startTable,
  workers: workersTable,
  growth: growthTable,
};

function loadTable(results, name) {
  const { unit, proxies } = results.cases[name];
  const rows = Object.keys(proxies).flatMap((proxy) => {
    const s = summary(results, name, proxy);
    if (s === null) return [];
    const beside = ratio(cpuRatio(results, name, proxy));
    const times = [s.p50, s.p99, s.p999].map(ms);
    const cost = [µs(s.cpu), µs(s.user), µs(s.system), beside, percent(s.spread)];
    return [[titleOf(results, proxy), ...cost, whole(s.perSecond), ...times, MB(s.peak), percent(s.loadCoreBusy)]];
  });
  const head = ['', `CPU µs a ${unit}`, 'user', 'system', 'beside nginx', 'spread', `${unit}s a second`];
  return table([...head, 'p50 ms', 'p99 ms', 'p99.9 ms', 'peak memory MB', 'load core busy'], rows);
}

function latencyTable(results, name) {
  const { proxies } = results.cases[name];
  const nginx = proxies[REFERENCE];
  const row = (proxy, what, measured, reference) => {
    const s = summaryOf(measured);
    if (s === null) return [];
    const theirs = summaryOf(reference);
    const beside = theirs === null ? NONE : ratio(s.p99 / theirs.p99);
    const rates = [whole(measured.rate), whole(s.perSecond)];
    return [[titleOf(results, proxy), what, ...rates, ms(s.p50), ms(s.p99), ms(s.p999), beside]];
  };
  const rows = [
    ...Object.entries(proxies).flatMap(([proxy, { own }]) => row(proxy, 'its own', own, nginx?.own)),
    ...Object.entries(proxies).flatMap(([proxy, { same }]) =>
      same === undefined ? [] : row(proxy, 'that of nginx', same, nginx?.same),
    ),
  ];
  return table(
    ['', '70 % of which rate', 'asked a second', 'answered', 'p50 ms', 'p99 ms', 'p99.9 ms', 'p99 beside nginx'],
    rows,
  );
}

function reloadTable(results, name) {
  const rows = Object.entries(results.cases[name].proxies).map(([proxy, r]) => [
    titleOf(results, proxy),
    whole(r.perSecond),
    String(r.failed),
    ms(r.p99),
    ms(r.p999),
    ms(r.max),
    whole(r.appliedMs),
  ]);
  return table(['', 'requests a second', 'failed', 'p99 ms', 'p99.9 ms', 'longest ms', 'in force after ms'], rows);
}

function idleTable(results, name) {
  const rows = Object.entries(results.cases[name].proxies).map(([proxy, { bytesEach, resident }]) => [
    titleOf(results, proxy),
    (bytesEach / 1024).toFixed(1),
    MB(resident),
  ]);
  return table(['', 'KiB a connection', 'resident MB in all'], rows);
}

function startTable(results, name) {
  const rows = Object.entries(results.cases[name].proxies).map(([proxy, { ms }]) => [
    titleOf(results, proxy),
    whole(median(ms)),
  ]);
  return table(['', 'ms'], rows);
}

function workersTable(results, name) {
  const rows = Object.entries(results.cases[name].proxies).map(([proxy, { one, two }]) => [
    titleOf(results, proxy),
    whole(median(one)),
    whole(median(two)),
    ratio(median(two) / median(one)),
  ]);
  return table(['', 'one worker', 'two', 'two beside one'], rows);
}

function growthTable(results, name) {
  const rows = Object.entries(results.cases[name].proxies).map(([proxy, { growth }]) => [
    titleOf(results, proxy),
    MB(growth),
  ]);
  return table(['', 'MB'], rows);
}

/** When, where and with what the run was made. */
export function provenance(results) {
  const { machine, proxies, settings, date, seconds, absent } = results;
  const versions = Object.values(proxies).map(({ version }) => version);
  const missing = Object.entries(absent).map(([name, why]) => `${name} was not measured: ${firstLine(why)}.`);
  const took = seconds === undefined ? '' : ` in ${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return [
    `Measured by \`bench/run.sh --write\` on ${date.slice(0, 10)}${took}: ${machine.processor}, ${machine.cores} cores, ` +
      `Linux ${machine.kernel}; medians of ${settings.rounds} rounds of ${settings.seconds} s. ` +
      `${versions.join('; ')}.`,
    ...missing,
  ].join('\n');
}

function titleOf(results, proxy) {
  return results.proxies[proxy]?.title ?? proxy;
}

function firstLine(text) {
  return text.split('\n')[0].replaceAll('|', '\\|').trim();
}
