import { createPrivateKey } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { makePair, type Pair } from '../../../tests/testing/certificates.ts';
import { readPair } from './certificate.ts';

const DAY_MS = 86_400_000;
const NO_KEY = 'it is not the key of the certificate';

let own: Pair;
let other: Pair;
let authority: Pair;
let signed: Pair;
beforeAll(() => {
  authority = makePair({ subject: 'authority', authority: true });
  own = makePair({ alternatives: 'DNS:A.test,DNS:*.b.test,IP:127.0.0.1,DNS:a.test.' });
  other = makePair({ subject: 'Host.test', key: 'rsa:2048' });
  signed = makePair({ alternatives: 'DNS:a.test', issuer: authority });
});

/** PKCS #1 with a cipher is the old form, with `Proc-Type` and `DEK-Info` (RFC 1421 §4.6.1.1). */
function encrypted(key: string, type: 'pkcs1' | 'pkcs8'): string {
  return createPrivateKey(key).export({ type, format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' }) as string;
}

/** The words of the error, and the part that is to blame; what was read when there is none. */
function read(cert: string, key: string, now = Date.now()): unknown {
  try {
    return readPair(cert, key, now);
  } catch (error) {
    return [(error as { part?: string }).part, (error as Error).message];
  }
}

describe('a pair', () => {
  it('gives its names in normal form, each once', () => {
    expect(read(own.cert, own.key)).toEqual({
      names: ['a.test', '*.b.test'],
      keyType: 'ec',
      authority: false,
      warnings: [],
    });
  });

  it('gives its common name when it has no other names', () => {
    expect(read(other.cert, other.key)).toEqual({
      names: ['host.test'],
      keyType: 'rsa',
      authority: false,
      warnings: [],
    });
  });

  it('may stand in one file', () => {
    expect(read(own.key + own.cert, own.key + own.cert)).toMatchObject({ keyType: 'ec' });
  });

  it('may have a chain', () => {
    expect(read(signed.cert + authority.cert, signed.key)).toMatchObject({ warnings: [] });
  });

  it('is warned of when its chain is out of order', () => {
    expect(read(signed.cert + own.cert, signed.key)).toMatchObject({
      warnings: ['its chain is out of order: certificate number 2 has not issued the one before it'],
    });
  });

  it('is warned of for the last 14 days', () => {
    const near = Date.now() + 16.1 * DAY_MS;
    const text = expect.stringMatching(/^it expires on \d{4}-\d\d-\d\d \d\d:\d\d UTC$/) as unknown;
    expect(read(own.cert, own.key, near)).toMatchObject({ warnings: [text] });
    expect(read(own.cert, own.key, near - DAY_MS)).toMatchObject({ warnings: [] });
  });

  it.each([
    ['has expired', 31 * DAY_MS, /^it has expired on /],
    ['is not valid yet', -DAY_MS, /^it is not valid before /],
  ])('is warned of when it %s', (_, offset, message) => {
    expect(read(own.cert, own.key, Date.now() + offset)).toMatchObject({
      warnings: [expect.stringMatching(message) as unknown],
    });
  });

  it.each<[string, () => readonly [string, string], 'cert' | 'key', string]>([
    ['is of two', () => [own.cert, other.key], 'key', NO_KEY],
    ['has another key of its kind', () => [own.cert, signed.key], 'key', NO_KEY],
    ['is upside down', () => [own.key, own.cert], 'cert', 'expected a PEM certificate, found a PRIVATE KEY'],
    ['has no certificate', () => ['', own.key], 'cert', 'expected a PEM certificate, found no PEM'],
    ['has no key', () => [own.cert, ''], 'key', 'expected a PEM private key, found no PEM'],
    ['has a certificate for a key', () => [own.cert, own.cert], 'key', 'expected a PEM private key, found none'],
    [
      'has its certificate behind another',
      () => [authority.cert + signed.cert, signed.key],
      'cert',
      'its first certificate must be the one of the key, which is number 2',
    ],
    [
      'is half written',
      () => [own.cert.slice(0, 300), own.key],
      'cert',
      'expected a PEM certificate, found one that is cut off',
    ],
    [
      'is damaged',
      () => [own.cert.replace(/\n..../, '\nAAAA'), own.key],
      'cert',
      'certificate number 1 in it is damaged',
    ],
    [
      'has half a key',
      () => [own.cert, own.key.replace(/\n....../, '\n')],
      'key',
      'its PRIVATE KEY is damaged, or of a kind that is not known',
    ],
    [
      'has an encrypted key',
      () => [own.cert, encrypted(own.key, 'pkcs8')],
      'key',
      'it is encrypted, and prox cannot ask for a passphrase; decrypt it with `openssl pkey`',
    ],
    [
      'has an encrypted key of the old form',
      () => [other.cert, encrypted(other.key, 'pkcs1')],
      'key',
      'it is encrypted, and prox cannot ask for a passphrase; decrypt it with `openssl pkey`',
    ],
  ])('that %s is refused', (_, pair, part, message) => {
    expect(read(...pair())).toEqual([part, message]);
  });

  it('that OpenSSL calls too weak is refused with its reason', () => {
    const weak = makePair({ key: 'rsa:768' });
    expect(read(weak.cert, weak.key)).toEqual(['cert', 'OpenSSL does not take it: ee key too small']);
  });
});
