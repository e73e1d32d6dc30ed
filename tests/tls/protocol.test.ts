import { afterEach, describe, expect, it } from 'vitest';
import { makePair } from '../testing/certificates.ts';
import type { TestDaemon } from '../testing/daemon.ts';
import { sClient } from '../testing/s-client.ts';
import { startTls } from '../testing/tls.ts';

const HELLO = { action: { type: 'static', status: 200, body_ref: { text: 'hello' } } };
const pairs = {
  ec: makePair({ alternatives: 'DNS:a.test' }),
  rsa: makePair({ alternatives: 'DNS:a.test', key: 'rsa:2048' }),
};

let daemon: TestDaemon;
afterEach(() => daemon.stop());

async function start(service: Readonly<Record<string, unknown>> = {}): Promise<void> {
  daemon = await startTls({ pairs, routes: [HELLO], service });
}

/** What openssl says of a handshake; the client takes every cipher suite and key that it knows. */
function shake(...args: string[]): Promise<string> {
  const lenient = args.includes('-tls1_3') || args.includes('-cipher') ? [] : ['-cipher', 'ALL:@SECLEVEL=0'];
  return sClient(daemon.port(), ['-servername', 'a.test', ...lenient, ...args]);
}

describe('by default', () => {
  it.each([
    'ECDHE-ECDSA-AES128-GCM-SHA256',
    'ECDHE-RSA-AES128-GCM-SHA256',
    'ECDHE-ECDSA-AES256-GCM-SHA384',
    'ECDHE-RSA-AES256-GCM-SHA384',
    'ECDHE-ECDSA-CHACHA20-POLY1305',
    'ECDHE-RSA-CHACHA20-POLY1305',
  ])('%s is spoken', async (cipher) => {
    await start();
    expect(await shake('-tls1_2', '-cipher', cipher)).toContain(`Cipher is ${cipher}`);
  });

  it.each([
    'AES128-GCM-SHA256',
    'AES256-SHA',
    'ECDHE-RSA-AES128-SHA',
    'ECDHE-RSA-AES256-SHA384',
    'ECDHE-ECDSA-AES128-SHA256',
    'ECDHE-ECDSA-AES128-CCM8',
    'ECDHE-ECDSA-AES128-CCM',
  ])('%s is not', async (cipher) => {
    await start();
    expect(await shake('-tls1_2', '-cipher', `${cipher}:@SECLEVEL=0`)).toContain('alert handshake failure');
  });

  it('TLS 1.3 is, and TLS 1.1 is not', async () => {
    await start();
    expect(await shake('-tls1_3')).toContain('New, TLSv1.3');
    expect(await shake('-tls1_1')).toMatch(/alert protocol version|no protocols available/);
  });
});

describe('a service', () => {
  it('with tls_min 1.3 speaks no TLS 1.2', async () => {
    await start({ tls_min: '1.3' });
    expect(await shake('-tls1_2')).toContain('alert protocol version');
    expect(await shake('-tls1_3')).toContain('New, TLSv1.3');
  });

  it('with tls_max 1.2 speaks no TLS 1.3', async () => {
    await start({ tls_max: '1.2' });
    expect(await shake('-tls1_3')).toContain('alert protocol version');
    expect(await shake('-tls1_2')).toContain('New, TLSv1.2');
  });

  it('speaks its tls_ciphers alone, in their order', async () => {
    const tls_ciphers = ['ECDHE-RSA-AES256-GCM-SHA384', 'ECDHE-RSA-AES128-SHA', 'TLS_AES_128_GCM_SHA256'];
    await start({ tls_ciphers });
    const both = 'ECDHE-RSA-AES128-SHA:ECDHE-RSA-AES256-GCM-SHA384';
    expect(await shake('-tls1_2', '-cipher', both)).toContain('Cipher is ECDHE-RSA-AES256-GCM-SHA384');
    expect(await shake('-tls1_2', '-cipher', 'ECDHE-RSA-AES128-SHA')).toContain('Cipher is ECDHE-RSA-AES128-SHA');
    expect(await shake('-tls1_2', '-cipher', 'ECDHE-RSA-AES128-GCM-SHA256')).toContain('alert handshake failure');
    expect(await shake('-tls1_3')).toContain('Cipher is TLS_AES_128_GCM_SHA256');
  });

  it('takes its tls_curves alone', async () => {
    await start({ tls_curves: ['secp384r1'] });
    expect(await shake('-tls1_3', '-groups', 'X25519:secp384r1')).toMatch(/Server Temp Key: ECDH, (P-384|secp384r1)/);
    expect(await shake('-tls1_3', '-groups', 'X25519')).toContain('alert handshake failure');
  });
});
