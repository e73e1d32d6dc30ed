import { basename, extname } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { CertificateConfig } from '../config.ts';
import type { Written } from '../load/assemble.ts';
import type { FileFact } from '../load/file-facts.ts';
import { BadPair, checkBundle, readPair } from './certificate.ts';
import { type BuildContext, existing, report } from './context.ts';

/** Pairs that are read before others may use the event loop: about ten milliseconds. */
const PAIRS_AT_A_TIME = 16;

/** Where the paths of a pair are written: the keys of a written object. */
interface PairKeys {
  readonly cert: readonly [string, ...string[]];
  readonly key: readonly [string, ...string[]];
}

/** Reads the pairs of a folder, in the order of their names; empty, and problems, when something is wrong with it. */
export async function folderPairs(
  context: BuildContext,
  written: Written,
  key: string,
  folder: string,
): Promise<CertificateConfig[]> {
  const { pemFiles } = context.facts.get(folder) as FileFact;
  const keys = new Map(pemFiles.filter((path) => extname(path) === '.key').map((path) => [stem(path), path]));
  const pairs: CertificateConfig[] = [];
  let authorities = 0;
  const certPaths = pemFiles.filter((path) => extname(path) !== '.key');
  if (certPaths.length === 0) {
    report(context, written, [key], `the folder ${folder} holds no certificate: no \`.crt\` and no \`.pem\` file`);
  }
  for (const [index, certPath] of certPaths.entries()) {
    if (index % PAIRS_AT_A_TIME === PAIRS_AT_A_TIME - 1) await setImmediate();
    const keyPath = keys.get(stem(certPath));
    if (keyPath === undefined) {
      const expected = `${basename(stem(certPath))}.key`;
      report(context, written, [key], `${certPath} has no key beside it; expected ${expected} in the folder`);
      continue;
    }
    const read = readFiles(context, written, { cert: [key], key: [key] }, certPath, keyPath);
    if (read?.authority === true) {
      authorities++;
      warn(context, written, [key], `${certPath}: it is ${AUTHORITY}, so it is never chosen; keep it elsewhere`);
    } else if (read !== null) {
      pairs.push(read.pair);
    }
  }
  if (authorities > 0 && authorities === certPaths.length) {
    const advice = 'make one for a server with `-addext basicConstraints=critical,CA:FALSE`';
    report(
      context,
      written,
      [key],
      `the folder ${folder} holds no certificate but of authorities (CA:TRUE); ${advice}`,
    );
  }
  return pairs;
}

/** What a pair that may sign others is called. */
const AUTHORITY = 'the certificate of an authority (CA:TRUE)';

/** The path of a file without its extension. */
function stem(path: string): string {
  return path.slice(0, -extname(path).length);
}

/** Reads a pair of files that the config names; null, and a problem, when it cannot be used. */
export function readCheckedPair(
  context: BuildContext,
  written: Written,
  keys: PairKeys,
  certPath: string,
  keyPath: string,
): CertificateConfig | null {
  const read = readFiles(context, written, keys, certPath, keyPath);
  if (read === null) return null;
  if (read.authority) warn(context, written, keys.cert, `${certPath}: it is ${AUTHORITY}, which clients may refuse`);
  return read.pair;
}

function readFiles(
  context: BuildContext,
  written: Written,
  keys: PairKeys,
  certPath: string,
  keyPath: string,
): { readonly pair: CertificateConfig; readonly authority: boolean } | null {
  const cert = contentOf(context, written, keys.cert, certPath);
  const key = contentOf(context, written, keys.key, keyPath);
  if (cert === null || key === null) return null;
  try {
    const { names, keyType, authority, warnings } = readPair(cert, key);
    for (const warning of warnings) warn(context, written, keys.cert, `${certPath}: ${warning}`);
    return { pair: Object.freeze({ cert, key, names, keyType, certPath, keyPath }), authority };
  } catch (error) {
    if (!(error instanceof BadPair)) throw error;
    const blamed = error.part === 'cert' ? certPath : keyPath;
    return report(context, written, keys[error.part], `${blamed}: ${error.message}`);
  }
}

function warn(context: BuildContext, written: Written, key: readonly [string, ...string[]], message: string): void {
  context.findings.warn(written.document, written.node, message, key);
}

/** Reads a bundle of certificates to trust; null, and a problem, when it cannot be used. */
export function readBundle(
  context: BuildContext,
  written: Written,
  key: readonly [string, ...string[]],
  value: string,
): string | null {
  const path = existing(context, written, key, value, ['file']);
  const pem = path === null ? null : contentOf(context, written, key, path);
  if (pem === null) return null;
  try {
    checkBundle(pem);
    return pem;
  } catch (error) {
    if (!(error instanceof BadPair)) throw error;
    return report(context, written, key, `${path}: ${error.message}`);
  }
}

/** Text of a file that is there. */
function contentOf(
  context: BuildContext,
  written: Written,
  key: readonly [string, ...string[]],
  path: string,
): string | null {
  const { bytes, problem } = context.facts.get(path) as FileFact;
  if (bytes !== null) return Buffer.from(bytes).toString('latin1');
  return report(context, written, key, `${path} cannot be read: ${problem ?? 'it is not a regular file'}`);
}
