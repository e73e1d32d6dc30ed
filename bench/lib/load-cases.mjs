/** The cases that are rounds of load. CPU a unit of work is their figure. */
import { handshakes, http2, passed, PASSED_NAME, webSocketMessages, wrk } from './load.mjs';
import { mainNode } from './nodes.mjs';
import { stop } from './process.mjs';
import { alternate } from './rounds.mjs';
import { certificate, ECHO_PORT, JSON_PATH, servedFolder, startEcho, UPSTREAM_TLS_PORT } from './upstream.mjs';

const origin = ({ scene }) => `${scene.tls === null ? 'http' : 'https'}://127.0.0.1:${scene.port}`;
const ask = (options) => (running, seconds) => wrk(origin(running), seconds, options);

/**
 * @typedef {object} LoadCase
 * @property {string} title
 * @property {string[]} [needs] what a proxy has to be able to do
 * @property {Partial<import('./peers.mjs').Scene> | (() => Partial<import('./peers.mjs').Scene>)} [scene]
 * @property {Function} load
 * @property {string} [unit] 'request' unless it is said
 * @property {Record<string, string>} [without] proxies, or kinds of them, that are left out unless they are asked for by
 * name, and why: what would tell nothing new is not worth the time
 * @property {boolean} [bound] whether a bound stands on it that all lines of Node are held to
 * @property {boolean} [chart] whether the chart shows it
 */

const NODE_TLS = 'has no TLS of its own but that of Node, as prox';

/** @type {Record<string, LoadCase>} */
const CASES = {
  'keep-alive': { title: 'HTTP/1.1 keep-alive, 2 B', load: ask(), bound: true, chart: true },
  'keep-alive-16k': {
    title: 'HTTP/1.1 keep-alive, 16 KiB',
    load: ask({ folder: '/files/16k' }),
    bound: true,
    chart: true,
  },
  'body-1m': { title: '1 MiB body', load: ask({ folder: '/files/1m' }), bound: true, chart: true },
  'post-16k': { title: 'POST of 16 KiB', load: ask({ method: 'POST', body: 16_384 }), chart: true },
  'access-log': {
    title: 'HTTP/1.1 keep-alive, 2 B, access log on',
    needs: ['access-log'],
    scene: { accessLog: true },
    without: { javascript: 'its CPU without a log is many times as much' },
    load: ask(),
    chart: true,
  },
  'forward-auth': {
    title: 'HTTP/1.1 keep-alive, 2 B, an auth server asked about each request',
    needs: ['auth'],
    scene: { auth: true },
    load: ask(),
  },
  'gzip-16k': {
    title: 'HTTP/1.1 keep-alive, 16 KiB of JSON, gzip level 6',
    needs: ['gzip'],
    scene: { gzip: true },
    load: ask({ folder: JSON_PATH }),
    bound: true,
    chart: true,
  },
  'new-connections': { title: 'new connection for each request', load: ask({ close: true }), bound: true, chart: true },
  'https-keep-alive': {
    title: 'HTTPS keep-alive, 2 B',
    needs: ['tls'],
    scene: () => ({ tls: certificate() }),
    without: { javascript: NODE_TLS },
    load: ask(),
    bound: true,
    chart: true,
  },
  'https-handshakes': {
    title: 'full TLS 1.3 handshake and one answer',
    unit: 'handshake',
    needs: ['tls'],
    scene: () => ({ tls: certificate() }),
    // One new connection after another, so that no proxy gains from many at once.
    load: (running, seconds) => handshakes(new URL(origin(running)).host, seconds),
    without: { javascript: NODE_TLS },
    chart: true,
  },
  h2: {
    title: 'HTTP/2 over TLS, 16 connections with 8 streams',
    needs: ['tls', 'h2'],
    scene: () => ({ tls: certificate(), http2: true }),
    load: (running, seconds, rate) => http2(origin(running), seconds, rate),
    chart: true,
  },
  'l4-pass': {
    title: 'L4 pass, 1 MiB body',
    needs: ['pass'],
    scene: () => ({ tls: certificate(), pass: { name: PASSED_NAME, port: UPSTREAM_TLS_PORT } }),
    load: ({ scene }, seconds, rate) => passed(scene.port, '/files/1m/0', seconds, rate),
    chart: true,
  },
  websocket: {
    title: 'WebSocket, 64 B message and its echo',
    unit: 'message',
    needs: ['websocket'],
    scene: { webSocket: true, upstream: ECHO_PORT },
    load: ({ scene }, seconds) => webSocketMessages(mainNode().path, scene.port, seconds),
    async around(measure) {
      const echo = await startEcho(mainNode().path);
      try {
        return await measure();
      } finally {
        await stop(echo);
      }
    },
    chart: true,
  },
  'routes-1k': { ...routes(1000), without: { go: 'measured with 10,000' } },
  'routes-10k': { ...routes(10_000), bound: true, chart: true },
  'serve-4k': serve('4k', '4 KiB'),
  'serve-1m': serve('1m', '1 MiB'),
};

function routes(count) {
  return {
    title: `HTTP/1.1 keep-alive, 2 B, ${count.toLocaleString('en')} routes`,
    needs: ['routes'],
    scene: { routes: count },
    load: ask({ hosts: count }),
  };
}

function serve(name, size) {
  return {
    title: `serve a file of ${size}`,
    needs: ['serve'],
    scene: () => ({ serve: servedFolder() }),
    load: ask({ folder: `/files/${name}` }),
    bound: name === '4k',
    chart: true,
  };
}

/** The cases as run.mjs takes them. */
export const loadCases = Object.fromEntries(
  Object.entries(CASES).map(
    ([name, { title, needs = [], scene = {}, without, load, unit = 'request', around, ...marks }]) => [
      name,
      {
        title,
        kind: 'load',
        unit,
        needs,
        without,
        chart: marks.chart ?? false,
        bound: marks.bound ?? false,
        async run({ peers, settings, onFailure }) {
          const measure = () =>
            alternate({
              peers,
              scene: typeof scene === 'function' ? scene() : scene,
              load,
              settings,
              onFailure,
            });
          return around === undefined ? measure() : around(measure);
        },
      },
    ],
  ),
);
