import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readRoots, systemRoots } from './system-roots.ts';

const PEM = '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n';
const folder = mkdtempSync(join(tmpdir(), 'prox-roots-'));
const at = (name: string): string => join(folder, name);
mkdirSync(at('dir'));
writeFileSync(at('bundle.pem'), `# one\n${PEM}`);
writeFileSync(at('dir/a.0'), PEM);
writeFileSync(at('dir/notes'), 'x');
afterAll(() => rmSync(folder, { recursive: true }));

describe('the roots of the system', () => {
  it('are those of SSL_CERT_FILE and SSL_CERT_DIR', () => {
    expect(readRoots({ SSL_CERT_FILE: at('bundle.pem') }).certificates).toEqual([`# one\n${PEM}`]);
    expect(readRoots({ SSL_CERT_DIR: `${at('none')}:${at('dir')}` }).certificates).toEqual([PEM]);
    const { certificates, source } = readRoots({ SSL_CERT_FILE: at('bundle.pem'), SSL_CERT_DIR: at('dir') });
    expect([certificates.length, source]).toEqual([2, `${at('bundle.pem')}, ${at('dir')}`]);
  });

  it('are those of a bundle, or of Node.js, if none are named', () => {
    for (const env of [{}, { SSL_CERT_FILE: at('dir/notes') }, { SSL_CERT_FILE: at('none') }]) {
      expect(readRoots(env).certificates.length).toBeGreaterThan(0);
      expect(readRoots(env).source).toMatch(/^\/etc\/|^Node\.js$/);
    }
  });

  it('are read once', () => {
    expect(systemRoots()).toBe(systemRoots());
  });
});
