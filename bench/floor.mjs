/** What Node itself costs a proxy: a relay that reads nothing, beside prox and nginx. `node bench/floor.mjs [NODE LINE …]` */
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { folder } from './lib/folder.mjs';
import { wrk } from './lib/load.mjs';
import { nodeOf } from './lib/nodes.mjs';
import { stop } from './lib/process.mjs';
import { proxOn } from './lib/prox-peer.mjs';
import { alternate } from './lib/rounds.mjs';
import { median } from './lib/stats.mjs';
import { startUpstream } from './lib/upstream.mjs';
import nginx from './peers/nginx.mjs';

const RELAY = fileURLToPath(new URL('lib/bare-relay.mjs', import.meta.url));
const SETTINGS = { rounds: 5, seconds: 2, warmSeconds: 2 };

/** The relay as a proxy under measurement. */
function relayOn(line, close) {
  const { path } = nodeOf(line);
  return {
    name: `bare relay, Node ${line}`,
    start: async ({ port, upstream }, launch) => ({
      process: launch(path, [RELAY, String(port), String(upstream), close ? 'close' : 'keep']),
    }),
  };
}

async function measured(title, close, lines) {
  const proxes = lines.map((line) => proxOn(line, { name: `prox, Node ${line}`, title: '', order: 0 }));
  const all = [nginx, ...proxes, ...lines.map((line) => relayOn(line, close))];
  const peers = all.map((peer, number) => ({ ...peer, number }));
  const { proxies } = await alternate({
    peers,
    scene: { unverified: true },
    load: ({ scene }, seconds) => wrk(`http://127.0.0.1:${scene.port}`, seconds, { close }),
    settings: SETTINGS,
    onFailure: (name, reason) => console.error(`${name}: ${reason}`),
  });
  const cpu = ({ rounds }) => median(rounds.map(({ user, system }) => user + system));
  const base = cpu(proxies.nginx);
  console.log(`\n${title}`);
  for (const [name, result] of Object.entries(proxies)) {
    console.log(
      `  ${name.padEnd(20)} ${cpu(result).toFixed(1)} µs a request, ${(cpu(result) / base).toFixed(2)} of nginx`,
    );
  }
}

const lines = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [24];
const upstream = await startUpstream();
await measured('keep-alive, 2 B', false, lines);
await measured('new connection for each request', true, lines);
await stop(upstream);
rmSync(folder, { recursive: true, force: true });
