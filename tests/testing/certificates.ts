import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { isIP } from 'node:net';
import { bitString, bool, explicit, integer, oid, octets, sequence, set, tagged, time, utf8 } from './der.ts';

/** What a test asks of a certificate. */
export interface CertificateWish {
  /** Common name; `prox test` by default. `/O=…` behind it adds an organisation. */
  readonly subject?: string;
  /** Such as `DNS:a.test,IP:127.0.0.1`; none by default. */
  readonly alternatives?: string;
  /** `rsa:2048`, or `ec` for P-256, the default. */
  readonly key?: string;
  /** Days from now until it expires, 30 by default; below 0 for one that has expired. */
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

const DAY_MS = 86_400_000;

const OIDS = {
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  subjectKeyId: '2.5.29.14',
  alternativeNames: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyId: '2.5.29.35',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  rsaWithSha256: '1.2.840.113549.1.1.11',
} as const;

const NULL = Buffer.from([5, 0]);

/** Makes a certificate (RFC 5280 §4.1) with Node alone, so that tests of TLS run where no openssl is installed. */
export function makePair(wish: CertificateWish = {}): Pair {
  const subject = nameOf(wish.subject ?? 'prox test');
  const { publicKey, privateKey } = newKey(wish.key ?? 'ec');
  const signer = wish.issuer === undefined ? privateKey : keyOf(wish.issuer);
  const issuer = wish.issuer === undefined ? subject : subjectOf(wish.issuer);
  const algorithm = sequence(
    ...(signer.asymmetricKeyType === 'rsa' ? [oid(OIDS.rsaWithSha256), NULL] : [oid(OIDS.ecdsaWithSha256)]),
  );
  const days = wish.days ?? 30;
  const now = Math.floor(Date.now() / 1000) * 1000;
  const begin = days < 0 ? now + (days - 1) * DAY_MS : now;
  const body = sequence(
    explicit(0, integer(Buffer.from([2]))),
    integer(serialNumber()),
    algorithm,
    issuer,
    sequence(time(begin), time(now + days * DAY_MS)),
    subject,
    spki(publicKey),
    explicit(3, sequence(...extensions(wish, publicKey, signer))),
  );
  const cert = sequence(body, algorithm, bitString(sign('sha256', body, signer)));
  return { cert: pem(cert), key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string };
}

/** Makes a certificate, signed by itself, for one name, that has expired yesterday. */
export function expiredPairFor(name: string): Pair {
  return makePair({ subject: name, alternatives: `DNS:${name}`, days: -1 });
}

/** Makes a certificate, signed by itself, for one name. */
export function pairFor(name: string): Pair {
  return makePair({ subject: name, alternatives: `DNS:${name}` });
}

function newKey(kind: string): { readonly publicKey: KeyObject; readonly privateKey: KeyObject } {
  if (kind === 'ec') return generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return generateKeyPairSync('rsa', { modulusLength: Number(/^rsa:(\d+)$/.exec(kind)?.[1]) });
}

/** Positive, and without a zero in front, as DER asks. */
function serialNumber(): Buffer {
  const bytes = randomBytes(16);
  bytes[0] = 0x40 | (bytes[0] & 0x3f);
  return bytes;
}

function extensions(wish: CertificateWish, own: KeyObject, signer: KeyObject): Buffer[] {
  const made = [
    sequence(oid(OIDS.subjectKeyId), octets(octets(keyId(own)))),
    sequence(oid(OIDS.authorityKeyId), octets(sequence(tagged(0, keyId(createPublicKey(signer)))))),
    sequence(
      oid(OIDS.basicConstraints),
      bool(true),
      octets(sequence(...(wish.authority === true ? [bool(true)] : []))),
    ),
  ];
  if (wish.alternatives !== undefined) {
    const names = wish.alternatives.split(',').map(alternativeName);
    made.push(sequence(oid(OIDS.alternativeNames), octets(sequence(...names))));
  }
  return made;
}

/** GeneralName (RFC 5280 §4.2.1.6): `DNS:name` or `IP:address`. */
function alternativeName(text: string): Buffer {
  const [, kind, value] = /^(DNS|IP):(.*)$/.exec(text) ?? [];
  if (value === undefined) throw new Error(`an alternative name of a certificate: ${text}`);
  return kind === 'DNS' ? tagged(2, Buffer.from(value, 'latin1')) : tagged(7, addressBytes(value));
}

function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number));
  const [head = '', tail = ''] = address.split('::');
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const zeros = Array<string>(8 - groups(head).length - groups(tail).length).fill('0');
  return Buffer.from(
    [...groups(head), ...zeros, ...groups(tail)].map((group) => group.padStart(4, '0')).join(''),
    'hex',
  );
}

/** `name`, or `name/O=organisation`. */
function nameOf(text: string): Buffer {
  const [common = '', organization] = text.split('/O=');
  const part = (type: string, value: string): Buffer => set(sequence(oid(type), utf8(value)));
  const parts = [part(OIDS.commonName, common)];
  if (organization !== undefined) parts.push(part(OIDS.organization, organization));
  return sequence(...parts);
}

function subjectOf(pair: Pair): Buffer {
  return nameOf(/^CN=(.*)$/m.exec(new X509Certificate(pair.cert).subject)?.[1] ?? '');
}

function keyOf(pair: Pair): KeyObject {
  return createPrivateKey(pair.key);
}

function spki(key: KeyObject): Buffer {
  return key.export({ type: 'spki', format: 'der' });
}

/** Any name will do, as long as a key has always the same. */
function keyId(key: KeyObject): Buffer {
  return createHash('sha256').update(spki(key)).digest().subarray(0, 20);
}

function pem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
