/** A JavaScript proxy as a peer: a server of a few lines in bench/peers/servers/, as its documentation shows it. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Missing } from './missing.mjs';
import { mainNode } from './nodes.mjs';

const PEERS = fileURLToPath(new URL('../peers/', import.meta.url));

/**
 * @param {object} described
 * @param {string} described.package its name in the registry; the server is a file of the peer's name
 * @returns {import('./peers.mjs').Peer}
 */
export function javaScriptPeer({ name, package: packageName, order, can, cannot }) {
  return {
    name,
    title: packageName,
    order,
    kind: 'javascript',
    can,
    cannot: { routes: 'has no routes by host of its own', serve: 'serves no files', pass: 'relays no TLS', ...cannot },
    version() {
      const path = `${PEERS}node_modules/${packageName}/package.json`;
      if (!existsSync(path)) throw new Missing('not installed: npm ci --prefix bench/peers --ignore-scripts');
      return `${packageName} ${JSON.parse(readFileSync(path, 'utf8')).version}, Node ${mainNode().version}`;
    },
    async start({ port, upstream, tls, http2, accessLog }, launch) {
      const options = JSON.stringify({ port, upstream, tls, http2, accessLog });
      return {
        process: launch(mainNode().path, [`${PEERS}servers/${name}.mjs`, options], {
          env: { ...process.env, NODE_ENV: 'production' },
        }),
      };
    },
  };
}
