import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { type LogLine, PROX, webConfig } from '../testing/daemon.ts';
import { accepts } from '../testing/ports.ts';
import { folderOf, removeFolder } from '../testing/run-prox.ts';
import { eventually } from '../testing/wait.ts';
import { isAlive, killIfAlive } from '../testing/worker-processes.ts';

/** Twice what prox waits between two looks at its parent, and some more. */
const NOTICED_MS = 1500;

const SERVE = `'${process.execPath}' '${PROX}' serve -config prox.json5 -workers=0`;

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

interface Started {
  readonly parent: ChildProcess;
  readonly pid: number;
  readonly port: number;
}

/** Runs a command, which starts prox, in a folder where `npm start` is `script`; waits until prox serves. */
async function start(command: string, args: readonly string[], script = SERVE): Promise<Started> {
  const folder = await folderOf({
    'package.json': JSON.stringify({
      name: 'test',
      private: true,
      scripts: { start: script, outer: 'npm start; exit 7' },
    }),
    'prox.json5': JSON.stringify(webConfig([{ action: { type: 'static', status: 204 } }])),
    // Ends by itself, and leaves prox in a session of its own.
    'detach.mjs': `import { spawn } from 'node:child_process';
      spawn(process.execPath, [${JSON.stringify(PROX)}, 'serve', '-config', 'prox.json5', '-workers=0'],
        { detached: true, stdio: ['ignore', 'ignore', 'inherit'] }).unref();`,
  });
  closers.push(() => removeFolder(folder));
  // As a shell that no npm has started.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_')));
  const parent = spawn(command, args, { cwd: folder, env, stdio: ['ignore', 'ignore', 'pipe'] });
  closers.push(() => parent.kill('SIGKILL'));
  const log: LogLine[] = [];
  createInterface(parent.stderr as NodeJS.ReadableStream).on('line', (line) => {
    if (line.startsWith('{')) log.push(JSON.parse(line) as LogLine);
  });
  const ready = await eventually('prox to serve', () => log.find(({ msg }) => msg === 'ready'));
  const pid = ready['process'] as number;
  closers.push(() => killIfAlive(pid));
  const port = log.find(({ msg }) => msg === 'listening')?.['port'] as number;
  return { parent, pid, port };
}

describe('prox that npm has started', () => {
  it.each(['SIGTERM', 'SIGKILL'] as const)('ends when npm is ended by %s', async (signal) => {
    const { parent, pid, port } = await start('npm', ['start']);
    parent.kill(signal);
    await eventually('prox to end', async () => !(await isAlive(pid)));
    expect(await accepts(port)).toBe(false);
  });

  it('ends when the shell that npm runs it in is killed', async () => {
    // More than one command, so that no shell replaces itself by the first.
    const { parent, pid } = await start('npm', ['start'], `${SERVE}; exit 7`);
    parent.kill('SIGTERM');
    await eventually('prox to end', async () => !(await isAlive(pid)));
  });

  it('ends when an npm further up is killed', async () => {
    const { parent, pid } = await start('npm', ['run', '--silent', 'outer'], `${SERVE}; exit 7`);
    parent.kill('SIGKILL');
    await eventually('prox to end', async () => !(await isAlive(pid)));
  });

  it('stays when it was put into a session of its own', async () => {
    const { parent, pid, port } = await start('npm', ['start'], `'${process.execPath}' detach.mjs`);
    if (parent.exitCode === null) await once(parent, 'exit');
    await delay(NOTICED_MS);
    expect({ alive: await isAlive(pid), accepts: await accepts(port) }).toEqual({ alive: true, accepts: true });
  });
});

it('prox that a shell has started stays when the shell ends', async () => {
  const { parent, pid, port } = await start('sh', ['-c', `${SERVE} & sleep 60`]);
  parent.kill('SIGKILL');
  await once(parent, 'exit');
  await delay(NOTICED_MS);
  expect({ alive: await isAlive(pid), accepts: await accepts(port) }).toEqual({ alive: true, accepts: true });
});
