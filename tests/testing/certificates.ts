import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What a test asks of a certificate. */
export interface CertificateWish {
  /** Common name; `prox test` by default. */
  readonly subject?: string;
  /** Such as `DNS:a.test,IP:127.0.0.1`; none by default. */
  readonly alternatives?: string;
  /** `rsa:2048`, or `ec` for P-256, the default. */
  readonly key?: string;
  /** Days from now until it expires, 30 by default. */
  readonly days?: number;
  /** Who signs it; itself by default. */
  readonly issuer?: Pair;
  /** True for one that signs others. */
  readonly authority?: boolean;
}

/** A certificate and its key, as PEM text. */
export interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** Makes a certificate with openssl, which must be installed. */
export function makePair(wish: CertificateWish = {}): Pair {
  const folder = mkdtempSync(join(tmpdir(), 'prox-pair-'));
  try {
    const at = (name: string): string => join(folder, name);
    const kind = wish.key ?? 'ec';
    const newKey = kind === 'ec' ? ['ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'] : [kind];
    const args = ['req', '-x509', '-newkey', ...newKey, '-nodes', '-keyout', at('key'), '-out', at('cert')];
    args.push('-subj', `/CN=${wish.subject ?? 'prox test'}`);
    if (wish.alternatives !== undefined) args.push('-addext', `subjectAltName=${wish.alternatives}`);
    if (wish.authority !== true) args.push('-addext', 'basicConstraints=critical,CA:FALSE');
    if (wish.issuer !== undefined) {
      writeFileSync(at('ca'), wish.issuer.cert);
      writeFileSync(at('ca.key'), wish.issuer.key);
      args.push('-CA', at('ca'), '-CAkey', at('ca.key'));
    }
    args.push('-days', String(wish.days ?? 30));
    openssl(args);
    return { cert: readFileSync(at('cert'), 'latin1'), key: readFileSync(at('key'), 'latin1') };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Makes a certificate, signed by itself, for one name, that has expired yesterday. */
export function expiredPairFor(name: string): Pair {
  const folder = mkdtempSync(join(tmpdir(), 'prox-pair-'));
  try {
    const at = (file: string): string => join(folder, file);
    const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', at('key')];
    openssl(['req', ...newKey, '-out', at('request'), '-subj', `/CN=${name}`]);
    writeFileSync(at('extensions'), `subjectAltName=DNS:${name}\nbasicConstraints=critical,CA:FALSE\n`);
    // Only for a request does openssl take an end in the past.
    const self = ['-in', at('request'), '-signkey', at('key'), '-days', '-1', '-extfile', at('extensions')];
    openssl(['x509', '-req', ...self, '-out', at('cert')]);
    return { cert: readFileSync(at('cert'), 'latin1'), key: readFileSync(at('key'), 'latin1') };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Makes a certificate, signed by itself, for one name. */
export function pairFor(name: string): Pair {
  return makePair({ subject: name, alternatives: `DNS:${name}` });
}

/** Runs openssl and returns what it prints. */
export function openssl(args: readonly string[], input?: string): string {
  return execFileSync('openssl', [...args], {
    encoding: 'latin1',
    stdio: ['pipe', 'pipe', 'ignore'],
    ...(input === undefined ? {} : { input }),
  });
}
