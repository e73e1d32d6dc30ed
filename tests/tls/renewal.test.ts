import { renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { makePair, type Pair } from '../testing/certificates.ts';
import { TestDaemon } from '../testing/daemon.ts';
import { stopHealthy } from '../testing/health.ts';
import { connectTls, exchangeTls, lastRequest, run, startTls, tlsConfig } from '../testing/tls.ts';

const ROUTES = [{ action: { type: 'static', status: 200, body_ref: { text: 'hello' } } }];
const named = (subject: string, days = 30): Pair => makePair({ subject, alternatives: 'DNS:a.test', days });

async function subjectAt(port: number): Promise<unknown> {
  const socket = await connectTls(port);
  const { subject } = socket.getPeerCertificate();
  socket.destroy();
  return subject.CN;
}

describe('a renewed certificate', () => {
  it('is taken up when it is written over the old one, and half of it changes nothing', async () => {
    const [before, after] = [named('before'), named('after')];
    const daemon = await startTls({ pairs: { a: before }, routes: ROUTES });
    const from = daemon.log.length;
    writeFileSync(`${daemon.folder}/certs/a.crt`, after.cert);
    await daemon.logged(({ msg }) => msg.includes('it is not the key of the certificate'), from);
    expect(await subjectAt(daemon.port())).toBe('before');
    writeFileSync(`${daemon.folder}/certs/a.key`, after.key);
    await daemon.logged(({ msg }) => msg === 'config reloaded', from);
    expect(await subjectAt(daemon.port())).toBe('after');
    await daemon.stop();
  });

  it('is taken up when a symbolic link to its folder is swapped, without a failed request', async () => {
    const daemon = await TestDaemon.start(tlsConfig(ROUTES), {
      async prepare(folder) {
        for (const [name, pair] of [
          ['1', named('one')],
          ['2', named('two')],
        ] as const) {
          await mkdir(join(folder, name));
          writeFileSync(join(folder, name, 'tls.crt'), pair.cert);
          writeFileSync(join(folder, name, 'tls.key'), pair.key);
        }
        symlinkSync('1', join(folder, 'certs'));
        return join(folder, 'prox.json5');
      },
    });
    const port = daemon.port();
    const load = { running: true };
    let served = 0;
    const client = async (): Promise<void> => {
      while (load.running) {
        expect(await exchangeTls(port, lastRequest('a.test'))).toContain('hello');
        served++;
      }
    };
    const clients = Promise.all([client(), client(), client()]);
    for (const target of ['2', '1', '2']) {
      const from = daemon.log.length;
      symlinkSync(target, join(daemon.folder, 'next'));
      renameSync(join(daemon.folder, 'next'), join(daemon.folder, 'certs'));
      await daemon.logged(({ msg }) => msg === 'config reloaded', from);
      expect(await subjectAt(port)).toBe(target === '1' ? 'one' : 'two');
    }
    load.running = false;
    await clients;
    expect(served).toBeGreaterThan(20);
    await stopHealthy(daemon);
  });

  it('is added to a folder by its files alone', async () => {
    const daemon = await startTls({ pairs: { m: named('m') }, routes: ROUTES });
    const from = daemon.log.length;
    const added = named('added');
    writeFileSync(`${daemon.folder}/certs/a.key`, added.key);
    writeFileSync(`${daemon.folder}/certs/a.crt`, added.cert);
    await daemon.logged(({ msg }) => msg === 'config reloaded', from);
    expect(await subjectAt(daemon.port())).toBe('added');
    await daemon.stop();
  });
});

describe('a certificate that is about to expire', () => {
  it('is warned of at the start', async () => {
    const daemon = await startTls({ pairs: { a: named('old', 3) }, routes: ROUTES });
    const line = await daemon.logged(({ msg }) => /tls_cert: .*a\.crt: it expires on \d{4}-/.test(msg));
    expect(line.level).toBe('warn');
    await stopHealthy(daemon);
  });
});

describe('prox validate', () => {
  it('names the file that is wrong with a pair', async () => {
    const daemon = await startTls({ pairs: { a: named('a') }, routes: ROUTES });
    writeFileSync(`${daemon.folder}/certs/b.pem`, 'x');
    const { PROX } = await import('../testing/daemon.ts');
    const { code, output } = await run(process.execPath, [PROX, 'validate', '-config', daemon.configPath]);
    expect(code).toBe(1);
    expect(output).toMatch(
      /prox\.json5:\d+:\d+: services\.web\.tls_cert: .*b\.pem has no key beside it; expected b\.key/,
    );
    await daemon.stop();
  });
});
