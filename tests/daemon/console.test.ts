import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { logLines } from '../testing/access-log.ts';
import { PROX, TestDaemon, webConfig } from '../testing/daemon.ts';
import { accepts, freePort } from '../testing/ports.ts';
import { exchangeRaw, RawClient } from '../testing/raw-client.ts';
import { eventually } from '../testing/wait.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'prox-test-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** An address that refuses connections. */
async function deadUpstream(): Promise<string> {
  return `127.0.0.1:${await freePort()}`;
}

/** What prox writes to a terminal between its start and SIGTERM; `script` makes the terminal. */
async function onTerminal(env: Record<string, string>): Promise<string> {
  await writeFile(join(folder, 'prox.json5'), JSON.stringify(webConfig([{ action: { type: 'drop' } }])));
  const command = `exec '${process.execPath}' '${PROX}' serve -config prox.json5`;
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', TERM: 'xterm', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise((resolve) => child.once('close', resolve));
  try {
    const pid = await eventually('the process id', () => /"process":(\d+)/.exec(output)?.[1]);
    process.kill(Number(pid), 'SIGTERM');
    await ended;
  } finally {
    // The terminal goes with `script`, and prox with its terminal.
    child.kill('SIGKILL');
  }
  return output;
}

describe('the console', () => {
  it('is coloured lines on a terminal, aligned behind time and level', async () => {
    const output = await onTerminal({});
    expect(output).toContain('\u001b[');
    const lines = output
      .replaceAll(/\u001b\[[0-9;]*m/g, '')
      .trimEnd()
      .split('\r\n');
    for (const line of lines) expect(line).toMatch(/^\d\d:\d\d:\d\d\.\d{3} INFO {2}\S/);
    expect(lines.at(-1)).toMatch(/INFO {2}stopped$/);
  });

  it('has no colours on a terminal with NO_COLOR', async () => {
    expect(await onTerminal({ NO_COLOR: '1' })).not.toContain('\u001b[');
  });

  it('is JSON lines elsewhere, and harmless whatever a client sends', async () => {
    const daemon = await TestDaemon.start(webConfig([{ action: { type: 'proxy', upstream: '127.0.0.1:1' } }]), {
      args: ['-log-level', 'debug'],
    });
    const client = await RawClient.connect(daemon.port());
    await client.send('GET /\u009b31m%0a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n').toEnd();
    client.destroy();
    const bad = await RawClient.connect(daemon.port());
    await bad.send('GET / HTTP/1.1\r\nHost: a\r\n\u001b[2J: x\r\n\r\n').toEnd();
    bad.destroy();
    daemon.signal('SIGTERM');
    await daemon.end();
    for (const line of daemon.log) expect(Object.keys(line)).toEqual(expect.arrayContaining(['level', 'time', 'msg']));
    expect(daemon.log.filter(({ msg }) => msg === 'exchange failed')).toHaveLength(2);
    await daemon.stop();
  });

  it.each(['access.log', 'off'])('has the id of a request in every line about it: access log %s', async (log) => {
    // Targets of their own for each request: a second failure of the same one is only counted.
    const targetsOf: Record<string, string[]> = {};
    for (const path of ['/one', '/two']) targetsOf[path] = [await deadUpstream(), await deadUpstream()];
    const routes = Object.entries(targetsOf).map(([path, targets]) => ({
      match: { path },
      balancer: { type: 'roundrobin', targets },
      action: { type: 'proxy', upstream: 'http://{target}' },
      access_log: log,
    }));
    const daemon = await TestDaemon.start(webConfig(routes));
    for (const path of Object.keys(targetsOf)) expect((await fetch(daemon.url(path))).status).toBe(502);
    await eventually('two failures', () => daemon.log.filter(({ msg }) => msg === 'exchange failed').length === 2);
    const lines = daemon.log.filter(({ level }) => level === 'warn');
    const [first, second] = [lines.slice(0, 3), lines.slice(3)];
    for (const about of [first, second]) {
      const targets = targetsOf[String(about[0]?.['path'])] ?? [];
      expect(about.slice(0, 2).map(({ upstream }) => upstream)).toEqual(expect.arrayContaining(targets));
      expect(targets).toContain(about[2]?.['upstream']);
      expect(new Set(about.map(({ request_id: id }) => id)).size).toBe(1);
      expect(about[0]?.['request_id']).toMatch(/^[0-9a-f]{20}$/);
      expect(about[2]).not.toHaveProperty('error.stack');
    }
    expect(first[0]?.['request_id']).not.toBe(second[0]?.['request_id']);
    if (log !== 'off') {
      const accessed = await logLines(join(daemon.folder, log), 2);
      expect(accessed.map(({ request_id: id }) => id)).toEqual([first, second].map(([line]) => line?.['request_id']));
    }
    await daemon.stop();
  });

  it('may be full without harm to service', async () => {
    const port = await freePort();
    await writeFile(
      join(folder, 'prox.json5'),
      JSON.stringify(webConfig([{ action: { type: 'static', status: 204 } }], { listen: `127.0.0.1:${port}` })),
    );
    const child = spawn(
      'sh',
      ['-c', `exec '${process.execPath}' '${PROX}' serve -config prox.json5 -log-level debug 2>/dev/full`],
      {
        cwd: folder,
        stdio: 'ignore',
      },
    );
    const ended = new Promise((resolve) => child.once('exit', resolve));
    await eventually('a listener', () => accepts(port));
    for (let i = 0; i < 20; i++) await exchangeRaw(port, 'nonsense\r\n\r\n');
    const { status } = await fetch(`http://127.0.0.1:${port}/`);
    expect(status).toBe(204);
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
  });
});
