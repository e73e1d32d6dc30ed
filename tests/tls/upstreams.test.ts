import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { makePair } from '../testing/certificates.ts';
import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { stopHealthy } from '../testing/health.ts';

const authority = makePair({ subject: 'authority', authority: true });
const other = makePair({ subject: 'other authority', authority: true });
const origin = makePair({ alternatives: 'IP:127.0.0.1', issuer: authority });

describe('an https upstream', () => {
  let server: Server;
  let upstream: string;
  const handshakes: boolean[] = [];
  beforeAll(async () => {
    server = createServer(origin, (_, response) => response.setHeader('Connection', 'close').end('ok'));
    server.on('secureConnection', (socket: TLSSocket) => handshakes.push(socket.isSessionReused()));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    upstream = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => server.close().closeAllConnections());

  const proxyTo = (tls?: unknown): unknown =>
    webConfig([{ action: { type: 'proxy', upstream, ...(tls === undefined ? {} : { upstream_tls: tls }) } }]);
  const statusOf = async (daemon: TestDaemon): Promise<number> => {
    const answer = await fetch(daemon.url());
    await answer.text();
    return answer.status;
  };

  it('is verified against the roots of the system', async () => {
    const refused = await TestDaemon.start(proxyTo());
    expect(await statusOf(refused)).toBe(502);
    await stopHealthy(refused);
  });

  it.each(['SSL_CERT_FILE', 'NODE_EXTRA_CA_CERTS'])('is trusted by a root of %s', async (name) => {
    const daemon = await TestDaemon.start(proxyTo(), {
      files: { 'root.pem': authority.cert },
      prepare: (folder) => {
        process.env[name] = `${folder}/root.pem`;
        return Promise.resolve(`${folder}/prox.json5`);
      },
      env: {},
    }).finally(() => delete process.env[name]);
    expect(await statusOf(daemon)).toBe(200);
    await stopHealthy(daemon);
  });

  it('resumes its session', async () => {
    const daemon = await TestDaemon.start(proxyTo({ ca: 'ca.pem' }), {
      files: { 'ca.pem': authority.cert },
      args: ['-workers', '0'],
    });
    handshakes.length = 0;
    for (let request = 0; request < 3; request++) expect(await statusOf(daemon)).toBe(200);
    expect(handshakes).toEqual([false, true, true]);
    await stopHealthy(daemon);
  });

  it('is verified anew when a reload brings other roots', async () => {
    const daemon = await TestDaemon.start(proxyTo({ ca: 'ca.pem' }), { files: { 'ca.pem': authority.cert } });
    expect(await statusOf(daemon)).toBe(200);
    for (const [cert, status] of [
      [other.cert, 502],
      [authority.cert, 200],
    ] as const) {
      const from = daemon.log.length;
      writeFileSync(`${daemon.folder}/ca.pem`, cert);
      await daemon.logged(({ msg }) => msg === 'config reloaded', from);
      expect(await statusOf(daemon)).toBe(status);
    }
    await stopHealthy(daemon);
  });
});
