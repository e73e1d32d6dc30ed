import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** A self-signed certificate and its key, made by openssl for one run of a test. */
export interface TlsPair {
  readonly cert: string;
  readonly key: string;
}

/** @param name the only name of the certificate */
export async function tlsPair(name: string): Promise<TlsPair> {
  const folder = await mkdtemp(join(tmpdir(), 'prox-pair-'));
  const [key, cert] = [join(folder, 'key'), join(folder, 'cert')];
  const kind = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`];
  await promisify(execFile)('openssl', [...kind, ...subject, '-keyout', key, '-out', cert]);
  const pair = { cert: await readFile(cert, 'utf8'), key: await readFile(key, 'utf8') };
  await rm(folder, { recursive: true });
  return pair;
}
