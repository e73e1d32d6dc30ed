/** HTTP/1.1 without TLS: prox beside nginx, on the same upstream. */
import { cpuIn, rounds, SECONDS } from './cases.mjs';
import { wrk } from './load.mjs';
import { listening, median, stop } from './process.mjs';
import { NGINX_PORT, PROX_PORT, startNginx, startProx } from './setup.mjs';

export const httpCases = {
  'keep-alive': () => compare('keep-alive, 2 B', '/', { bound: 1.35 }),
  'keep-alive-16k': () => compare('keep-alive, 16 KiB', '/files/16k'),
  'body-1m': () => compare('1 MiB body', '/files/1m', { bound: 1 }),
  'routes-10k': () =>
    compare('keep-alive, 2 B, 10,000 routes', '/', { routes: manyRoutes(), host: 'host9999.example.com' }),
  'access-log': () => compare('keep-alive, 2 B, access log on', '/', { accessLog: true }),
  'new-connections': () => compare('new connection each', '/', { fields: ['Connection: close'] }),
  start: startTime,
};

async function compare(title, path, { bound, routes, host, fields = [], accessLog = false } = {}) {
  const headers = host === undefined ? fields : [...fields, `Host: ${host}`];
  const contender = (name, process, port) => ({
    name,
    process,
    load: () => wrk(`http://127.0.0.1:${port}${path}`, SECONDS, headers),
  });
  const measured = await rounds([
    contender('prox', await startProx({ routes, accessLog }), PROX_PORT),
    contender('nginx', await startNginx({ accessLog }), NGINX_PORT),
  ]);
  return beside('nginx', `${title}, CPU a request`, measured, bound);
}

/** A row of the table: CPU time a request of prox and of what it is compared with. */
export function beside(other, title, measured, bound) {
  const [prox, theirs] = [cpuIn(measured.prox), cpuIn(measured[other])];
  return {
    case: title,
    prox: `${prox.toFixed(1)} µs`,
    other: `${other} ${theirs.toFixed(1)} µs`,
    ratio: prox / theirs,
    bound: bound === undefined ? '–' : `at most ${bound.toFixed(2)}`,
    rounds: measured,
  };
}

function manyRoutes() {
  return Array.from({ length: 10_000 }, (_, i) => ({
    match: { domain: `host${i}.example.com` },
    action: { type: 'proxy', upstream: '127.0.0.1:18190' },
  }));
}

/** From the start of the process to the first accepted connection. */
async function startTime() {
  const times = [];
  for (let i = 0; i < 7; i++) {
    const before = performance.now();
    const prox = await startProx();
    await listening(PROX_PORT);
    times.push(performance.now() - before);
    await stop(prox);
  }
  return { case: 'from start to listening', prox: `${median(times).toFixed(0)} ms`, bound: 'below 300 ms' };
}
