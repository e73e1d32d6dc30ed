import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { stopHealthy } from '../testing/health.ts';
import { Nginx } from '../testing/nginx.ts';
import { pairFor } from '../testing/certificates.ts';

const MIB = 1024 * 1024;

describe('nginx as an upstream of HTTP/2', () => {
  let plain: Nginx;
  let secure: Nginx;
  let daemon: TestDaemon;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'prox-nginx-h2-'));
    const pair = pairFor('localhost');
    await writeFile(join(folder, 'cert.pem'), pair.cert);
    await writeFile(join(folder, 'key.pem'), pair.key);
    await writeFile(join(folder, 'big'), Buffer.alloc(8 * MIB, 'x'));
    const locations = `client_max_body_size 0; root ${folder}; keepalive_requests 100;
      location /v { return 200 "$server_protocol $host $request_uri"; }`;
    plain = await Nginx.start(locations, 'http2');
    secure = await Nginx.start(
      `${locations} ssl_certificate ${folder}/cert.pem; ssl_certificate_key ${folder}/key.pem;`,
      'ssl http2',
    );
    const route = (path: string, action: object): object => ({
      match: { path: `${path}/*` },
      action: { type: 'proxy', headers: { Host: 'named.test' }, ...action },
    });
    daemon = await TestDaemon.start(
      webConfig([
        route('/v/plain', { upstream: `http://127.0.0.1:${plain.port}`, proto: 'h2' }),
        route('/v/secure', { upstream: `https://127.0.0.1:${secure.port}`, upstream_tls: { insecure: true } }),
        { action: { type: 'proxy', upstream: `http://127.0.0.1:${plain.port}`, proto: 'h2' } },
      ]),
    );
  });
  afterAll(async () => {
    await plain.stop();
    await secure.stop();
    await rm(folder, { recursive: true });
    await stopHealthy(daemon);
  });

  it.each(['/v/plain/a?b=c', '/v/secure/a?b=c'])('serves %s', async (path) => {
    expect(await (await fetch(daemon.url(path))).text()).toBe(`HTTP/2.0 named.test ${path}`);
  });

  it('sends a large file whole, with its length', async () => {
    const answer = await fetch(daemon.url('/big'));
    expect(answer.headers.get('content-length')).toBe(String(8 * MIB));
    expect((await answer.arrayBuffer()).byteLength).toBe(8 * MIB);
  });

  it.each(['/v/plain/', '/v/secure/'])(
    'loses no request as it ends its sessions after 100 requests each: %s',
    { timeout: 20_000 },
    async (path) => {
      const client = async (): Promise<number[]> => {
        const statuses: number[] = [];
        for (let i = 0; i < 100; i++) {
          const answer = await fetch(daemon.url(path), i % 2 === 0 ? {} : { method: 'POST', body: 'body' });
          await answer.arrayBuffer();
          statuses.push(answer.status);
        }
        return statuses;
      };
      const statuses = (await Promise.all(Array.from({ length: 8 }, client))).flat();
      expect(statuses.filter((status) => status !== 200)).toEqual([]);
    },
  );
});
