/** That a proxy does what it is about to be measured for: looked at before, as a wrong answer can be fast. */
import { connect as connectHttp2 } from 'node:http2';
import { request as requestPlain } from 'node:http';
import { request as requestSecure } from 'node:https';
import { connect as connectTls } from 'node:tls';
import { gunzipSync } from 'node:zlib';
import { WebSocket } from 'ws';
import { listening } from './process.mjs';
import { FIELDS_PATH, FILE_SIZES, JSON_BYTES, JSON_PATH } from './upstream.mjs';

/** A proxy that reads ten thousand routes may take a while; one answer takes no time. */
const READY_MS = 30_000;
const ANSWER_MS = 5000;
const PAUSE_MS = 50;

/**
 * Waits until the proxy does what the scene asks for.
 * @param {import('./peers.mjs').Scene} scene
 * @param {import('node:child_process').ChildProcess} child
 * @throws {Error} saying what it did instead, when it does not in time
 */
export async function verified(scene, child) {
  const until = performance.now() + READY_MS;
  for (;;) {
    try {
      return await verify(scene);
    } catch (error) {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error('ended at once', { cause: error });
      if (performance.now() > until) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

async function verify(scene) {
  if (scene.unverified) return listening(scene.port);
  if (scene.serve !== null) return verifyFiles(scene);
  if (scene.gzip) await verifyGzip(scene);
  if (scene.pass !== null) return verifyPass(scene);
  if (scene.webSocket) return verifyEcho(scene);
  const host = scene.routes > 0 ? `host${scene.routes - 1}.example.com` : undefined;
  await verifyFields(scene, host);
  if (scene.routes === 0) return undefined;
  const stray = await answer(scene, '/', 'no-such-host.example.com').catch(() => ({ body: '' }));
  if (stray.body === 'ok') throw new Error('a host without a route reaches the upstream');
  return undefined;
}

/** The upstream sees the fields that every proxy is to add. */
async function verifyFields(scene, host) {
  const { status, body } = await (scene.http2 ? answerHttp2(scene, FIELDS_PATH) : answer(scene, FIELDS_PATH, host));
  if (status !== 200) throw new Error(`answers ${status}`);
  const fields = JSON.parse(body);
  const expected = {
    for: /^127\.0\.0\.1$/,
    host: host === undefined ? /^127\.0\.0\.1(:\d+)?$/ : new RegExp(`^${host}$`),
    proto: scene.tls === null ? /^http$/ : /^https$/,
    via: /^\d\.\d \S/,
    ...(scene.auth ? { user: /^bench$/ } : {}),
    ...(scene.generation === null ? {} : { generation: new RegExp(`^${scene.generation}$`) }),
  };
  for (const [name, pattern] of Object.entries(expected)) {
    if (!pattern.test(fields[name])) throw new Error(`the upstream got ${JSON.stringify(fields)}: wrong in ${name}`);
  }
}

async function verifyFiles(scene) {
  for (const [name, size] of Object.entries(FILE_SIZES)) {
    const { status, body } = await answer(scene, `/files/${name}/63`);
    if (status !== 200 || body.length !== size) throw new Error(`a file of ${size} B: ${status}, ${body.length} B`);
  }
}

async function verifyGzip(scene) {
  const { body, coding } = await answer(scene, `${JSON_PATH}/63`, undefined, { 'accept-encoding': 'gzip' });
  if (coding !== 'gzip') throw new Error(`JSON comes with the coding ${coding}`);
  const { length } = gunzipSync(Buffer.from(body, 'latin1'));
  if (length !== JSON_BYTES) throw new Error(`JSON of ${length} B`);
}

/** Answered by the upstream itself, behind a TLS handshake that the proxy has no part in. */
function verifyPass({ port, pass }) {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ port, host: '127.0.0.1', servername: pass.name, rejectUnauthorized: false });
    let text = '';
    socket.setTimeout(ANSWER_MS, () => socket.destroy(new Error('no answer in time')));
    socket.on('data', (chunk) => {
      text += chunk;
      if (!text.includes('}')) return;
      socket.destroy();
      if (text.includes('"via":""')) resolve();
      else reject(new Error(`not passed on unread: ${text}`));
    });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed without an answer')));
    socket.write(`GET ${FIELDS_PATH} HTTP/1.1\r\nHost: ${pass.name}\r\n\r\n`);
  });
}

function verifyEcho({ port }) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/echo`, { handshakeTimeout: ANSWER_MS });
    socket.once('open', () => socket.send('hello'));
    socket.once('message', (data) => {
      socket.terminate();
      if (Buffer.from('hello').equals(data)) resolve();
      else reject(new Error('a message comes back changed'));
    });
    socket.once('error', reject);
  });
}

/** One answer over HTTP/1.1. */
export function answer({ port, tls }, path, host, fields = {}) {
  const [request, secure] = tls === null ? [requestPlain, {}] : [requestSecure, { rejectUnauthorized: false }];
  const headers = { connection: 'close', ...fields, ...(host === undefined ? {} : { host }) };
  return new Promise((resolve, reject) => {
    const sent = request({ port, host: '127.0.0.1', path, headers, ...secure, timeout: ANSWER_MS }, (response) => {
      let body = '';
      response.setEncoding('latin1');
      response.on('data', (chunk) => (body += chunk));
      response.once('end', () =>
        resolve({ status: response.statusCode, coding: response.headers['content-encoding'], body }),
      );
      response.once('error', reject);
    });
    sent.once('timeout', () => sent.destroy(new Error('no answer in time')));
    sent.once('error', reject);
    sent.end();
  });
}

function answerHttp2({ port }, path) {
  return new Promise((resolve, reject) => {
    const session = connectHttp2(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
    session.once('error', reject);
    session.setTimeout(ANSWER_MS, () => session.destroy(new Error('no answer in time')));
    const stream = session.request({ ':path': path });
    let status = 0;
    let body = '';
    stream.once('response', (fields) => (status = fields[':status']));
    stream.on('data', (chunk) => (body += chunk));
    stream.once('error', reject);
    stream.once('end', () => {
      session.close();
      resolve({ status, body });
    });
    stream.end();
  });
}
