/** TLS, HTTP/2 and L4 pass-through: prox beside nginx and HAProxy, with the same certificate. */
import { fileURLToPath } from 'node:url';
import { cpuIn, rounds, SECONDS } from './cases.mjs';
import { beside } from './http-cases.mjs';
import { h2load, h2loadPassed, handshakes, PASSED_NAME, wrk } from './load.mjs';
import { listening, PROXY_CORE, start } from './process.mjs';
import {
  certificate,
  HAPROXY_PORT,
  NGINX_TLS_PORT,
  PROX_PORT,
  startHaproxy,
  startNginx,
  startProx,
  UPSTREAM_TLS_PORT,
} from './setup.mjs';

export const tlsCases = {
  'https-keep-alive': () => overTls('HTTPS keep-alive, 2 B, CPU a request', (url) => wrk(url, SECONDS), 1.4),
  'https-handshakes': fullHandshakes,
  h2: http2,
  'l4-pass': pass,
};

async function overTls(title, load, bound) {
  const measured = await rounds([
    { name: 'prox', process: await startProx({ tls: true }), load: () => load(`https://127.0.0.1:${PROX_PORT}/`) },
    { name: 'nginx', process: await startNginx(), load: () => load(`https://127.0.0.1:${NGINX_TLS_PORT}/`) },
  ]);
  return beside('nginx', title, measured, bound);
}

/** One new connection after another, so that no proxy gains from many at once. */
async function fullHandshakes() {
  const load = (url) => handshakes(new URL(url).host, SECONDS);
  const row = await overTls('full TLS 1.3 handshake and one answer, CPU each', load, 1.25);
  return { ...row, bound: `${row.bound} (handshakes a second at least 0.80)` };
}

/** Beside nginx, and what node:http2 itself costs: a server of a few lines that answers without any upstream. */
async function http2() {
  const floor = fileURLToPath(new URL('http2-floor.mjs', import.meta.url));
  const { cert, key } = certificate();
  const bare = start(PROXY_CORE, process.execPath, [floor, String(PROX_PORT + 5), cert, key]);
  await listening(PROX_PORT + 5);
  const load = (port) => h2load(`https://127.0.0.1:${port}/`, SECONDS);
  const measured = await rounds([
    { name: 'prox', process: await startProx({ tls: true }), load: () => load(PROX_PORT) },
    { name: 'nginx', process: await startNginx(), load: () => load(NGINX_TLS_PORT) },
    { name: 'node:http2 alone', process: bare, load: () => load(PROX_PORT + 5) },
  ]);
  const row = beside('nginx', 'HTTP/2 over TLS, 16 connections with 8 streams, CPU a request', measured, 2.5);
  return {
    ...row,
    other: `${row.other}; a bare node:http2 server ${cpuIn(measured['node:http2 alone']).toFixed(1)} µs`,
  };
}

/** 1 MiB bodies of an HTTPS upstream through a pass route, beside HAProxy in TCP mode. */
async function pass() {
  const load = (port) => h2loadPassed(port, '/files/1m', SECONDS);
  const routes = [
    {
      match: { domain: PASSED_NAME },
      action: { type: 'pass', upstream: `127.0.0.1:${UPSTREAM_TLS_PORT}` },
    },
  ];
  const measured = await rounds([
    {
      name: 'prox',
      process: await startProx({ tls: true, routes }),
      load: () => load(PROX_PORT),
    },
    { name: 'haproxy', process: await startHaproxy(), load: () => load(HAPROXY_PORT) },
  ]);
  return beside('haproxy', 'L4 pass, 1 MiB body, CPU a body', measured, 1);
}
