import type * as z from 'zod';
import { anyText, flag, key, list, object, oneOf, parsed, path, text } from './field.ts';
import { InvalidValue, problemOf, quote } from '../value/invalid-value.ts';
import { parseDomainPattern } from '../value/domain-pattern.ts';

const KNOWN_CAS = ['letsencrypt', 'production', 'staging', 'zerossl', ''];

export const acmeDnsSchema = object(
  {
    provider: key(
      oneOf(['cloudflare']),
      { type: '`cloudflare`', required: true },
      'The provider that hosts the zones.',
    ),
    token: key(
      anyText('an API token'),
      { type: 'string', default: 'environment variable `CF_DNS_API_TOKEN`' },
      'API token. **Danger:** keep it in the environment rather than in a file.',
    ),
    discover: key(flag(), { type: 'bool', default: 'false' }, 'Get certificates for every zone of the account.'),
    resolvers: key(
      list(text('a resolver such as "1.1.1.1:53"'), 'a list of resolvers'),
      { type: 'string[]', default: '["1.1.1.1:53", "8.8.8.8:53"]' },
      'Resolvers with which the challenge is checked.',
    ),
  },
  'an object with the DNS provider',
).meta({ id: 'AcmeDns', description: 'The provider for DNS challenges.' });

export const acmeS3Schema = object(
  {
    bucket: key(
      text('the name of a bucket'),
      { type: 'string', required: true },
      'Bucket. **Danger:** it holds private keys.',
    ),
    region: key(anyText('a region'), { type: 'string', default: 'us-east-1' }, 'Region.'),
    endpoint: key(anyText('a URL'), { type: 'string', default: 'AWS' }, 'Endpoint of a compatible store.'),
    access_key: key(
      anyText('an access key'),
      { type: 'string', default: "AWS's chain of credentials" },
      'Access key; together with `secret_key`.',
    ),
    secret_key: key(anyText('a secret key'), { type: 'string' }, 'Secret key.'),
    prefix: key(anyText('a prefix'), { type: 'string', default: 'none' }, 'Prefix of every object.'),
    use_path_style: key(
      flag(),
      { type: 'bool', default: 'false' },
      'Put the bucket into the path instead of the host, which MinIO needs.',
    ),
  },
  'an object with the S3 store',
).meta({ id: 'AcmeS3', description: 'Storage in an S3-compatible store.' });

export const acmeSchema = object(
  {
    email: key(
      parsed(text('an e-mail address'), checkEmail),
      { type: 'string', required: true },
      'Contact address of the account at the certificate authority.',
    ),
    ca: key(
      parsed(anyText('a certificate authority'), checkCa),
      { type: 'string', default: 'letsencrypt' },
      '`letsencrypt`, `staging`, `zerossl`, or the URL of an ACME directory. Try `staging` first: it has no strict rate limits.',
    ),
    cas: key(
      list(parsed(anyText('a certificate authority'), checkCa), 'a list of certificate authorities'),
      { type: 'string[]', default: '[]' },
      'Several authorities, tried in order; instead of `ca`.',
    ),
    challenge: key(
      oneOf(['alpn', 'http', 'dns']),
      { type: '`alpn`, `http`, `dns`', default: 'alpn' },
      'How the control of names is proved: on port 443, on port 80, or by DNS, which is necessary for wildcards.',
    ),
    dns: key(acmeDnsSchema, { type: 'AcmeDns' }, 'Required with `challenge: "dns"`.'),
    storage_type: key(
      oneOf(['file', 's3']),
      { type: '`file`, `s3`', default: 'file' },
      'Where certificates and keys are kept.',
    ),
    storage: key(
      path('a folder'),
      { type: 'Path', default: 'acme/' },
      'Folder for `file`. **Danger:** it holds private keys.',
    ),
    s3: key(acmeS3Schema, { type: 'AcmeS3' }, 'Required with `storage_type: "s3"`.'),
    domains: key(
      list(parsed(text('a domain'), checkDomain), 'a list of domains'),
      { type: 'string[]', default: 'from the routes' },
      'Names to get certificates for.',
    ),
  },
  'an object with the ACME settings',
).meta({ id: 'Acme', description: 'Automatic certificates.' });

export type RawAcme = z.infer<typeof acmeSchema>;

function checkEmail(email: string): void {
  if (!/^[^\s@]+@[^\s@]+$/.test(email)) throw new InvalidValue(`expected an e-mail address, found ${quote(email)}`);
}

function checkCa(ca: string): void {
  if (KNOWN_CAS.includes(ca) || (/^https?:\/\/[^\s/]/.test(ca) && URL.canParse(ca))) return;
  throw new InvalidValue(
    `expected "letsencrypt", "staging", "zerossl" or the URL of an ACME directory, found ${quote(ca)}`,
  );
}

function checkDomain(domain: string): void {
  const bare = domain.startsWith('*.') ? domain.slice(2) : domain;
  if (bare.includes('*') || problemOf(parseDomainPattern, bare) !== null) {
    throw new InvalidValue(`expected a domain such as "example.com" or "*.example.com", found ${quote(domain)}`);
  }
}
