/** The results as Markdown tables. Everything in them comes out of results.json. */
import { bounds, reached } from './bounds.mjs';
import { median } from './stats.mjs';
import { baseOf, cpuRatio, REFERENCE, summary, summaryOf } from './summary.mjs';

/** The line of Node that has the columns; the others stand beside it in the table of bounds and in the full tables. */
const MAIN = 'prox';
const NONE = '–';

const µs = (value) => (value === null ? NONE : value < 100 ? value.toFixed(1) : Math.round(value).toLocaleString('en'));
const ms = (value) => (value === null || value === undefined ? NONE : (value / 1000).toFixed(value < 10_000 ? 2 : 0));
const MB = (value) => (value / 1e6).toFixed(value < 10_000_000 ? 1 : 0);
const whole = (value) => Math.round(value).toLocaleString('en');
/** As many digits as tell something. */
export const ratio = (value) => (value === null ? NONE : value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0));
const percent = (value) => `${Math.round(100 * value)} %`;

function table(head, rows) {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** Those with a column of their own in the table of README.md, and a bar in every panel of its chart. */
export function columns(results) {
  const own = ([name, { kind, beside }]) => name === MAIN || (kind !== 'prox' && beside !== true);
  return Object.entries(results.proxies)
    .filter(own)
    .map(([name]) => name);
}

/** CPU a unit of work of every proxy in every case of load, and beside nginx's. */
export function compactTable(results) {
  const names = columns(results);
  const cases = Object.entries(results.cases).filter(([, { kind }]) => kind === 'load');
  const titled = (name, { title }) => {
    const base = baseOf(results, name);
    return base === REFERENCE ? title : `${title} (× ${titleOf(results, base)})`;
  };
  const rows = cases.map(([name, described]) => [
    titled(name, described),
    ...names.map((proxy) => cpuCell(results, name, proxy)),
  ]);
  return table(['CPU µs (× nginx)', ...names.map((name) => results.proxies[name].title)], rows);
}

function cpuCell(results, name, proxy) {
  const measured = summary(results, name, proxy);
  if (measured === null) return results.cases[name].failed[proxy] === undefined ? NONE : 'failed';
  const base = baseOf(results, name);
  const beside = cpuRatio(results, name, proxy, base);
  const cell = beside === null || proxy === base ? µs(measured.cpu) : `${µs(measured.cpu)} (${ratio(beside)})`;
  return proxy === MAIN ? `**${cell}**` : cell;
}

/**
 * What a reader of the compact table is to know: its columns, and the proxies that were set another way beside it.
 * `page` is the path of bench/README.md from the page that holds the table, empty on that page.
 */
export function compactNotes(results, page) {
  const others = Object.entries(results.proxies).filter(([, { kind, beside }]) => kind !== 'prox' && beside === true);
  const lines = others.flatMap(([proxy, { title }]) => {
    const measured = Object.keys(results.cases).filter((name) => summary(results, name, proxy) !== null);
    const told = measured.map((name) => `${results.cases[name].title} ${cpuCell(results, name, proxy)}`);
    return told.length === 0 ? [] : [`${title}: ${told.join(', ')}`];
  });
  return [
    'The figure is the CPU time that one request (handshake, message) costs the proxy, user and system together, in ' +
      'microseconds: less is better. In brackets how many times that of nginx it is; ' +
      `${NONE}: not measured, [why](${page}#left-out).`,
    ...(lines.length === 0
      ? []
      : [`Bodies are read into buffers, which are as each has them by default. ${lines.join('. ')}.`]),
  ].join(' ');
}

/**
 * What prox is to reach, and whether it does. A case that was not run is left out; without a figure, as it failed or prox
 * cannot hold the rate that is asked for, the bound is not reached.
 */
export function boundsTable(results) {
  const lines = Object.keys(results.proxies).filter((name) => name !== MAIN && results.proxies[name].kind === 'prox');
  const rows = bounds(results).flatMap((bound) => {
    const { name, what, beside, side, limit, unit = '' } = bound;
    const ran = results.cases[name];
    const tookPart = (proxy) => ran.proxies[proxy] !== undefined || ran.failed[proxy] !== undefined;
    if (ran === undefined || ![MAIN, beside ?? MAIN].every(tookPart)) return [];
    const own = bound.value(results, MAIN);
    const nothing = [MAIN, beside].some((proxy) => ran.failed[proxy] !== undefined) ? 'failed' : NONE;
    const shown = (value) => (value === null ? NONE : `${value.toFixed(unit === '' ? 2 : 1)}${unit}`);
    const verdict = own !== null && reached(bound, own) ? 'reached' : '**not reached**';
    const others = lines.map((line) => shown(bound.value(results, line)));
    const figure = beside === undefined ? what : `${what}, × ${titleOf(results, beside)}`;
    const cells = [ran.title, figure, `at ${side} ${limit}${unit}`];
    return [[...cells, own === null ? nothing : shown(own), verdict, ...others]];
  });
  return table(
    ['case', 'figure', 'to reach', titleOf(results, MAIN), '', ...lines.map((name) => titleOf(results, name))],
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
  const base = baseOf(results, name);
  const rows = Object.keys(proxies).flatMap((proxy) => {
    const s = summary(results, name, proxy);
    if (s === null) return [];
    const beside = ratio(cpuRatio(results, name, proxy, base));
    const times = [s.p50, s.p99, s.p999].map(ms);
    const cost = [µs(s.cpu), µs(s.user), µs(s.system), beside, percent(s.spread)];
    return [[titleOf(results, proxy), ...cost, whole(s.perSecond), ...times, MB(s.peak), percent(s.loadCoreBusy)]];
  });
  const head = [
    '',
    `CPU µs a ${unit}`,
    'user',
    'system',
    `beside ${titleOf(results, base)}`,
    'spread',
    `${unit}s a second`,
  ];
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
  const tooSlow = (proxy) =>
    nginx?.same === undefined
      ? []
      : [[titleOf(results, proxy), 'that of nginx', whole(nginx.same.rate), 'cannot', NONE, NONE, NONE, NONE]];
  const rows = [
    ...Object.entries(proxies).flatMap(([proxy, { own }]) => row(proxy, 'its own', own, nginx?.own)),
    ...Object.entries(proxies).flatMap(([proxy, { same }]) =>
      same === undefined ? tooSlow(proxy) : row(proxy, 'that of nginx', same, nginx?.same),
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
  return table(['', 'growth of memory, MB'], rows);
}

/** When, where and with what the run was made. */
export function provenance(results) {
  const { machine, proxies, settings, date, seconds, absent } = results;
  const versions = new Set(Object.values(proxies).map(({ version }) => version));
  const missing = Object.entries(absent).map(([name, why]) => `${name} was not measured: ${firstLine(why)}.`);
  const took = seconds === undefined ? '' : ` in ${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return [
    `Measured by \`bench/run.sh --write\` on ${date.slice(0, 10)}${took}: ${machine.processor}, ${machine.cores} cores, ` +
      `Linux ${machine.kernel}; the proxy on one core, load and upstream on the other; ` +
      `medians of ${settings.rounds} rounds of ${settings.seconds} s. ` +
      `${[...versions].join('; ')}.`,
    ...missing,
  ].join('\n');
}

function titleOf(results, proxy) {
  return results.proxies[proxy]?.title ?? proxy;
}

function firstLine(text) {
  return text.split('\n')[0].replaceAll('|', '\\|').trim();
}
