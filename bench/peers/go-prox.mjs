import { goProgram } from '../lib/go-programs.mjs';
import { writeConfig } from '../lib/prox-config.mjs';

/** The original in Go: the same config file, where the contract of the two is the same. */
export default {
  name: 'go-prox',
  title: 'Go prox',
  order: 5,
  kind: 'go',
  can: ['tls', 'h2', 'access-log', 'routes', 'serve', 'pass', 'websocket', 'reload'],
  async version(options) {
    return `Go prox ${(await goProgram('go-prox', options)).version}`;
  },
  async start(scene, launch) {
    const configured = { ...scene, via: '1.1 prox' };
    const { path: program } = await goProgram('go-prox');
    const child = launch(program, ['serve', '-config', writeConfig(configured), '-watch=false']);
    return {
      process: child,
      reload(generation) {
        writeConfig({ ...configured, generation });
        child.kill('SIGHUP');
      },
    };
  },
};
