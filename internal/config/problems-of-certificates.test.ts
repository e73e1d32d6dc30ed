import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makePair } from '../../tests/testing/certificates.ts';
import { load, problemsOf } from './testing/config-folder.ts';

const one = makePair({ alternatives: 'DNS:one.test' });
const two = makePair({ alternatives: 'DNS:two.test', key: 'rsa:2048' });
const short = makePair({ days: 5 });
const authority = makePair({ subject: 'authority', alternatives: 'DNS:one.test', authority: true });

const FILES = { '1.crt': one.cert, '1.key': one.key, '2.crt': two.cert, '2.key': two.key };

function withPair(cert: string, key: string, more = ''): string {
  return `{ services: { web: { listen: ':1', tls: true, tls_cert: '${cert}', tls_key: '${key}', ${more}
    routes: [{ action: { type: 'drop' } }] } } }`;
}

function withFolder(folder: string): string {
  return `{ services: { web: { listen: ':1', tls: true, tls_cert: '${folder}',
    routes: [{ action: { type: 'drop' } }] } } }`;
}

function withUpstream(settings: string): string {
  return `{ services: { web: { listen: ':1',
    routes: [{ action: { type: 'proxy', upstream: 'https://a', upstream_tls: ${settings} } }] } } }`;
}

describe('what is wrong with certificates', () => {
  it.each<[string, Readonly<Record<string, string>>, ...string[]]>([
    [
      'is named with the key and the file of a pair',
      { ...FILES, 'prox.json5': withPair('1.crt', '2.key') },
      'prox.json5:1:75: services.web.tls_key: 2.key: it is not the key of the certificate',
    ],
    [
      'is named with the certificate',
      { ...FILES, 'prox.json5': withPair('1.key', '1.key') },
      'prox.json5:1:57: services.web.tls_cert: 1.key: expected a PEM certificate, found a PRIVATE KEY',
    ],
    [
      'is named for the bundle of client certificates',
      { ...FILES, 'prox.json5': withPair('1.crt', '1.key', `tls_client_ca: '2.key',`) },
      'prox.json5:1:99: services.web.tls_client_ca: 2.key: expected a PEM certificate, found a PRIVATE KEY',
    ],
    [
      'is named for what is spoken',
      {
        ...FILES,
        'prox.json5': withPair(
          '1.crt',
          '1.key',
          `tls_min: '1.1', tls_ciphers: ['ECDHE-RSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES128-GCM-SHA1'], tls_curves: ['x25518'],`,
        ),
      },
      'prox.json5:1:93: services.web.tls_min: expected "1.2" or "1.3", found the string "1.1"; did you mean `1.2`?',
      'prox.json5:1:145: services.web.tls_ciphers[1]: expected the OpenSSL name of a cipher suite, found "ECDHE-RSA-AES128-GCM-SHA1"; did you mean `ECDHE-RSA-AES128-GCM-SHA256`?',
      'prox.json5:1:188: services.web.tls_curves[0]: expected a group that OpenSSL has here, such as "X25519" or "prime256v1", found "x25518"',
    ],
    [
      'is named for versions between which there is none',
      { ...FILES, 'prox.json5': withPair('1.crt', '1.key', `tls_min: '1.3', tls_max: '1.2',`) },
      'prox.json5:1:93: services.web.tls_min: `tls_min` is 1.3 and `tls_max` is 1.2; expected a version between them',
    ],
    [
      'is named for an empty folder',
      { 'c/': '', 'prox.json5': withFolder('c') },
      'prox.json5:1:57: services.web.tls_cert: the folder c holds no certificate: no `.crt` and no `.pem` file',
    ],
    [
      'is named for a certificate without its key',
      { 'c/a.pem': one.cert, 'c/a.key': one.key, 'c/b.crt': two.cert, 'prox.json5': withFolder('c') },
      'prox.json5:1:57: services.web.tls_cert: c/b.crt has no key beside it; expected b.key in the folder',
    ],
    [
      'is named for a folder of authorities',
      { 'c/ca.crt': authority.cert, 'c/ca.key': authority.key, 'prox.json5': withFolder('c') },
      'prox.json5:1:57: services.web.tls_cert: the folder c holds no certificate but of authorities (CA:TRUE); ' +
        'make one for a server with `-addext basicConstraints=critical,CA:FALSE`',
    ],
    [
      'is named for every pair of a folder',
      { 'c/a.pem': one.cert, 'c/a.key': two.key, 'c/b.crt': 'x', 'c/b.key': one.key, 'prox.json5': withFolder('c') },
      'prox.json5:1:57: services.web.tls_cert: c/a.key: it is not the key of the certificate',
      'prox.json5:1:57: services.web.tls_cert: c/b.crt: expected a PEM certificate, found no PEM',
    ],
    [
      'is named for an upstream',
      { ...FILES, 'prox.json5': withUpstream(`{ ca: '1.key', cert: '1.crt', key: '2.key' }`) },
      'prox.json5:2:84: services.web.routes[0].action.upstream_tls.ca: 1.key: expected a PEM certificate, found a PRIVATE KEY',
      'prox.json5:2:113: services.web.routes[0].action.upstream_tls.key: 2.key: it is not the key of the certificate',
    ],
    [
      'is named for a file that is too large',
      { ...FILES, '1.crt': 'x'.repeat(2 ** 20 + 1), 'prox.json5': withPair('1.crt', '1.key') },
      'prox.json5:1:57: services.web.tls_cert: expected the path of a file or a folder, but 1.crt cannot be read: it is larger than 1 MiB',
    ],
  ])('%s', async (_, files, ...problems) => {
    expect(await problemsOf(files)).toEqual(problems);
  });
});

describe('a folder of certificates', () => {
  it('gives its pairs by the name of their file, and leaves other files alone', async () => {
    const config = await load({
      'prox.json5': withFolder('c'),
      'c/z.crt': one.cert,
      'c/z.key': one.key,
      'c/b.pem': two.cert,
      'c/b.key': two.key,
      'c/.hidden.crt': 'x',
      'c/notes.txt': 'x',
      'c/alone.key': 'x',
    });
    expect(config.services[0]?.tls?.certificates.map(({ names, keyType }) => [names, keyType])).toEqual([
      [['two.test'], 'rsa'],
      [['one.test'], 'ec'],
    ]);
    const watched = config.files.map((file) => file.split('/').slice(-2).join('/'));
    expect(watched).toEqual(expect.arrayContaining(['c/b.key', 'c/b.pem', 'c/z.crt', 'c/z.key']));
  });

  it('leaves the certificate of an authority out, and warns of it', async () => {
    const config = await load({
      'prox.json5': withFolder('c'),
      'c/ca.crt': authority.cert,
      'c/ca.key': authority.key,
      'c/one.crt': one.cert,
      'c/one.key': one.key,
    });
    expect(config.services[0]?.tls?.certificates.map(({ certPath }) => basename(certPath))).toEqual(['one.crt']);
    expect(config.warnings.map(({ message }) => message)).toEqual([
      expect.stringMatching(/\/c\/ca\.crt: it is the certificate of an authority \(CA:TRUE\), so it is never chosen/),
    ]);
  });
});

describe('a certificate near its end', () => {
  it('is warned of, and used, when it is an authority that the config names', async () => {
    const config = await load({
      'prox.json5': withPair('ca.crt', 'ca.key'),
      'ca.crt': authority.cert,
      'ca.key': authority.key,
    });
    expect(config.services[0]?.tls?.certificates).toHaveLength(1);
    expect(config.warnings.map(({ message }) => message)).toEqual([
      expect.stringMatching(/ca\.crt: it is the certificate of an authority \(CA:TRUE\), which clients may refuse/),
    ]);
  });

  it('is warned of, and used', async () => {
    const config = await load({ 'prox.json5': withPair('s.crt', 's.key'), 's.crt': short.cert, 's.key': short.key });
    expect(config.warnings).toMatchObject([
      {
        position: { line: 1, column: 57 },
        path: 'services.web.tls_cert',
        message: expect.stringMatching(/s\.crt: it expires on /) as unknown,
      },
    ]);
  });
});
