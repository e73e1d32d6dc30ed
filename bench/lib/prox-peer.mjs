/** prox on a line of Node, as one of the proxies. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { MAIN_LINE, nodeOf } from './nodes.mjs';
import { writeConfig } from './prox-config.mjs';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/**
 * @param {number} line of Node
 * @param {{ name: string, title: string, order: number, root?: string }} about `root` is the checkout that was built,
 * with a slash at its end: this one by default
 * @returns {import('./peers.mjs').Peer}
 */
export function proxOn(line, { name, title, order, root = ROOT }) {
  return {
    name,
    title,
    order,
    kind: 'prox',
    beside: line !== MAIN_LINE,
    can: ['tls', 'h2', 'access-log', 'routes', 'serve', 'pass', 'websocket', 'reload', 'auth', 'gzip'],
    version() {
      const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
      const commit = git(root, 'rev-parse', '--short', 'HEAD');
      const dirty = git(root, 'status', '--porcelain', '--', 'cmd', 'internal') === '' ? '' : ', changed';
      return `prox ${version}${commit === null ? '' : ` (${commit}${dirty})`}, Node ${nodeOf(line).version}`;
    },
    async start(scene, launch) {
      // A worker of its own where a reload is measured, as the two have to agree on it.
      const workers = scene.workers ?? (scene.generation === null ? 0 : 1);
      const child = launch(nodeOf(line).path, [
        `${root}dist/prox.mjs`,
        'serve',
        '-config',
        writeConfig(scene),
        '-watch=false',
        `-workers=${workers}`,
      ]);
      return {
        process: child,
        reload(generation) {
          writeConfig({ ...scene, generation });
          child.kill('SIGHUP');
        },
      };
    },
  };
}

function git(root, ...args) {
  try {
    return execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return null; // No git, or no repository: the version says enough.
  }
}
