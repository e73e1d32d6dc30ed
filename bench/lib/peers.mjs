/**
 * The proxies: each file of bench/peers/ describes one.
 *
 * @typedef {object} Scene what a proxy is started for
 * @property {number} port where it listens on 127.0.0.1
 * @property {number} adminPort one more that it may use
 * @property {string} folder its own, for configs
 * @property {number} upstream port of the upstream
 * @property {{ cert: string, key: string } | null} tls whether it terminates TLS, with HTTP/2 where it speaks it
 * @property {boolean} http2 whether it is HTTP/2 that is measured
 * @property {boolean} webSocket whether it is WebSocket that is measured
 * @property {string | null} accessLog the file that it writes one line a request to
 * @property {number} routes routes of hosts host0.example.com and on; 0: one route for everything
 * @property {string | null} serve the folder that /files/ is served of
 * @property {{ name: string, port: number } | null} pass TLS for this name is relayed unread to this port
 * @property {number | null} generation sent to the upstream as X-Generation, where reloads are measured
 * @property {string | null} answer the text that prox answers itself, without an upstream
 * @property {boolean} auth whether AUTH_PATH of the upstream is asked about each request, and its X-User is passed on
 * @property {boolean} gzip whether JSON is compressed, at level 6
 * @property {boolean} unverified whether the upstream is another one, of which nothing is known
 * @property {string} [cores] those that the proxy may use, where it is not one
 * @property {number} [workers] of prox
 * @property {number} connections how many clients may be connected
 *
 * @typedef {object} Running a started proxy
 * @property {import('node:child_process').ChildProcess} process
 * @property {(generation: number) => unknown} [reload] puts a config with another generation in force
 *
 * @typedef {object} Peer
 * @property {string} name as it is asked for
 * @property {string} title in tables
 * @property {number} order place in tables, in ascending order
 * @property {'prox' | 'native' | 'go' | 'javascript'} kind
 * @property {boolean} [beside] has no column in the table of README.md, and takes part only in the cases that have a
 * bound, unless it is asked for by name
 * @property {string[]} [cases] these instead of those that have a bound
 * @property {string[]} can what it can be measured for beside plain HTTP/1.1: tls, h2, access-log, routes, serve, pass,
 * websocket, reload, auth, gzip
 * @property {Record<string, string>} [cannot] why not, for the others
 * @property {(options: { build?: boolean }) => string | Promise<string>} version throws Missing when it cannot be had
 * @property {(scene: Scene, launch: Function) => Promise<Running>} start launch(command, args, { env, stdout }) starts
 * a process on the proxies' core
 */
import { closeSync, mkdirSync, openSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { folder } from './folder.mjs';
import { Missing } from './missing.mjs';
import { PROXY_CORE, start, stop, unused } from './process.mjs';
import { UPSTREAM_PORT } from './upstream.mjs';
import { verified } from './verify.mjs';

const PEERS = fileURLToPath(new URL('../peers/', import.meta.url));
const NO_PEERS = ['versions.mjs'];

/** Each peer gets two ports from here on. */
const FIRST_PORT = 18_310;

/** All peers, in the order of the tables. @returns {Promise<Peer[]>} */
export async function allPeers() {
  const files = readdirSync(PEERS).filter((file) => file.endsWith('.mjs') && !NO_PEERS.includes(file));
  const peers = await Promise.all(files.map(async (file) => (await import(pathToFileURL(join(PEERS, file)))).default));
  return peers.sort((a, b) => a.order - b.order);
}

/**
 * Those that can be had here.
 * @param {{ build?: boolean }} options whether programs may be built
 * @returns {Promise<{ present: (Peer & { number: number, says: string })[], absent: Record<string, string> }>}
 */
export async function presentPeers(peers, options) {
  const present = [];
  const absent = {};
  for (const [number, peer] of peers.entries()) {
    try {
      present.push({ ...peer, number, says: await peer.version(options) });
    } catch (error) {
      if (!(error instanceof Missing)) throw error;
      absent[peer.name] = error.message;
    }
  }
  return { present, absent };
}

/** A scene with what is not asked for left out. @returns {Scene} */
export function sceneFor(peer, asked) {
  const own = join(folder, peer.name);
  mkdirSync(own, { recursive: true });
  const port = FIRST_PORT + 2 * peer.number;
  return {
    port,
    adminPort: port + 1,
    folder: own,
    upstream: UPSTREAM_PORT,
    tls: null,
    http2: false,
    webSocket: false,
    routes: 0,
    serve: null,
    pass: null,
    generation: null,
    answer: null,
    auth: false,
    gzip: false,
    unverified: false,
    connections: 4000,
    ...asked,
    accessLog: asked.accessLog ? join(own, 'access.log') : null,
  };
}

/**
 * Starts a proxy and looks whether it does what it is asked for.
 * @param {Peer & { number: number }} peer
 * @param {Partial<Scene>} asked
 * @returns {Promise<Running & { peer: Peer, scene: Scene, stop: () => Promise<void> }>}
 */
export async function startPeer(peer, asked) {
  const scene = sceneFor(peer, asked);
  await unused(scene.port);
  const said = join(scene.folder, 'stderr');
  const launch = (command, args, { stdout = 'ignore', env = process.env } = {}) => {
    const errors = openSync(said, 'w');
    const child = start(scene.cores ?? PROXY_CORE, command, args, { stdio: ['ignore', stdout, errors], env });
    closeSync(errors);
    return child;
  };
  const running = await peer.start(scene, launch);
  try {
    await verified(scene, running.process);
  } catch (error) {
    await stop(running.process);
    const lines = readFileSync(said, 'utf8').trim().split('\n').slice(-3).join(' | ');
    throw new Error(`${error.message}${lines === '' ? '' : ` (it says: ${lines})`}`, { cause: error });
  }
  return { ...running, peer, scene, stop: () => stop(running.process) };
}
