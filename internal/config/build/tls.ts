import type { CertificateConfig, RouteConfig, TlsConfig, TlsProtocol } from '../config.ts';
import type { Written } from '../load/assemble.ts';
import type { RawAcme } from '../schema/acme.ts';
import type { RawService } from '../schema/service.ts';
import { absolute, type BuildContext, existing, partOf, report } from './context.ts';
import { folderPairs, readBundle, readCheckedPair } from './pairs.ts';

/**
 * Builds the TLS settings of a service; null for a plain listener.
 * @param routes of the service, as far as they could be built
 */
export async function buildTls(
  context: BuildContext,
  written: Written,
  routes: readonly RouteConfig[],
): Promise<TlsConfig | null> {
  const raw = written.value as RawService;
  const on = raw.tls ?? raw.acme !== undefined;
  if (!on) {
    checkPlain(context, written, raw);
    return null;
  }
  if (raw.tls_cert === undefined && raw.acme === undefined && routes.some(terminates)) {
    report(
      context,
      written,
      ['tls'],
      'TLS needs `tls_cert` and `tls_key`, or a folder as `tls_cert`, or `acme`, unless every route passes or drops',
    );
  }
  if (raw.tls_cert === undefined && raw.tls_key !== undefined)
    report(context, written, ['tls_key'], '`tls_key` needs `tls_cert` beside it');
  if (raw.tls_client_auth !== undefined && raw.tls_client_ca === undefined) {
    report(
      context,
      written,
      ['tls_client_auth'],
      '`tls_client_auth` needs `tls_client_ca`: without it nothing can be verified',
    );
  }
  const clientCa =
    raw.tls_client_ca === undefined ? null : readBundle(context, written, ['tls_client_ca'], raw.tls_client_ca);
  return Object.freeze({
    certificates: Object.freeze(await buildCertificates(context, written, raw)),
    h2: raw.h2 ?? true,
    acme: raw.acme === undefined ? null : buildAcme(context, partOf(written, 'acme')),
    clientCa,
    clientAuth: raw.tls_client_ca === undefined ? null : (raw.tls_client_auth ?? 'require'),
    protocol: buildProtocol(context, written, raw),
  });
}

function buildProtocol(context: BuildContext, written: Written, raw: RawService): TlsProtocol {
  const { tls_min: min = '1.2', tls_max: max = '1.3', tls_ciphers: ciphers, tls_curves: curves } = raw;
  if (min > max) {
    const key = raw.tls_min === undefined ? 'tls_max' : 'tls_min';
    report(context, written, [key], `\`tls_min\` is ${min} and \`tls_max\` is ${max}; expected a version between them`);
  }
  const listed = ciphers ?? [];
  if (listed.length > 0 && max === '1.2' && listed.every(isOfTls13)) {
    report(context, written, ['tls_ciphers'], 'all cipher suites are of TLS 1.3, and `tls_max` is 1.2');
  }
  return Object.freeze({
    min,
    max,
    ciphers: listed.length === 0 ? null : Object.freeze([...listed]),
    curves: curves === undefined || curves.length === 0 ? null : Object.freeze([...curves]),
  });
}

function isOfTls13(cipher: string): boolean {
  return /^tls_/i.test(cipher);
}

/** Connections of `pass` and `drop` are never decrypted and need no certificate. */
function terminates({ action }: RouteConfig): boolean {
  return action.type !== 'pass' && action.type !== 'drop';
}

/** The keys of a service that only a listener with TLS uses. */
export const TLS_KEYS = [
  'tls_cert',
  'tls_key',
  'tls_client_ca',
  'tls_client_auth',
  'tls_min',
  'tls_max',
  'tls_ciphers',
  'tls_curves',
] as const;

/** A certificate beside `tls: false` is a switch turned off; one without `tls` is a listener that is plain by mistake. */
function checkPlain(context: BuildContext, written: Written, raw: RawService): void {
  if (raw.tls === false && raw.acme !== undefined)
    report(context, written, ['acme'], '`acme` turns TLS on, and `tls: false` turns it off; expected one of them');
  if (raw.tls === false) return;
  // The switch is missing once, however many keys need it.
  const key = TLS_KEYS.find((each) => raw[each] !== undefined);
  if (key !== undefined)
    report(context, written, [key], `\`${key}\` needs \`tls: true\`; with \`tls: false\` it is kept but not used`);
}

async function buildCertificates(
  context: BuildContext,
  written: Written,
  raw: RawService,
): Promise<CertificateConfig[]> {
  if (raw.tls_cert === undefined) return [];
  const cert = existing(context, written, ['tls_cert'], raw.tls_cert, ['file', 'folder']);
  const isFolder = cert !== null && context.facts.get(cert)?.kind === 'folder';
  if (cert !== null && !isFolder && raw.tls_key === undefined) {
    report(
      context,
      written,
      ['tls_cert'],
      '`tls_cert` is a file and needs `tls_key` beside it; a folder of pairs does not',
    );
  }
  const key = raw.tls_key === undefined ? null : existing(context, written, ['tls_key'], raw.tls_key, ['file']);
  if (cert === null) return [];
  if (isFolder) return folderPairs(context, written, 'tls_cert', cert);
  if (key === null) return [];
  const pair = readCheckedPair(context, written, { cert: ['tls_cert'], key: ['tls_key'] }, cert, key);
  return pair === null ? [] : [pair];
}

function buildAcme(context: BuildContext, written: Written): Readonly<Record<string, unknown>> {
  const raw = written.value as RawAcme;
  checkAcme(context, written, raw);
  const type = raw.storage_type ?? 'file';
  const storage = type === 'file' ? { storage: absolute(written, raw.storage ?? 'acme') } : {};
  return deepFreeze({ ...raw, ...storage });
}

function checkAcme(context: BuildContext, written: Written, raw: RawAcme): void {
  if (raw.ca && raw.cas !== undefined && raw.cas.length > 0)
    report(context, written, ['cas'], '`ca` and `cas` exclude each other');
  if (raw.challenge === 'dns' && raw.dns === undefined)
    report(context, written, ['challenge'], '`challenge: "dns"` needs `dns`, with its `provider`');
  if (raw.storage_type === 's3' && raw.s3 === undefined)
    report(context, written, ['storage_type'], '`storage_type: "s3"` needs `s3`, with its `bucket`');
  if (raw.s3 !== undefined && !raw.s3.access_key !== !raw.s3.secret_key) {
    report(context, written, ['s3'], '`access_key` and `secret_key` need each other');
  }
  if (raw.challenge === 'dns') return;
  raw.domains?.forEach((domain, index) => {
    if (domain.startsWith('*'))
      report(
        context,
        written,
        ['domains', index],
        `the wildcard "${domain}" needs \`challenge: "dns"\`; other challenges prove single names only`,
      );
  });
}

function deepFreeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) if (typeof part === 'object' && part !== null) deepFreeze(part as object);
  return Object.freeze(value);
}
