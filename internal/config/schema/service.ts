import * as z from 'zod';
import { parseListenAddress } from '../value/listen-address.ts';
import { checkCipher, checkCurve } from '../value/tls-words.ts';
import { acmeSchema } from './acme.ts';
import { actionSchema, pluginList } from './action.ts';
import { pluginRegistry } from './plugin.ts';
import { expected, flag, key, list, named, object, oneOf, parsed, path, schemaKey, text } from './field.ts';
import { limitsSchema } from './limits.ts';
import { resourceSchema } from './resource.ts';
import { routesSchema } from './route.ts';

/** A listen address. */
export function listenAddress() {
  return parsed(text('an address such as ":8080"'), parseListenAddress);
}

const shape = {
  listen: key(
    listenAddress(),
    { type: 'string', required: true },
    'Address: `":8080"` (all addresses, IPv4 and IPv6), `"127.0.0.1:8080"`, `"[::1]:80"`, `"unix:///run/prox.sock"`. Two services must not share an address.',
  ),
  tls: key(
    flag(),
    { type: 'bool', default: 'false; true with `acme`' },
    'Terminate TLS. Needs `tls_cert` and `tls_key`, or a folder as `tls_cert`, or `acme`.',
  ),
  tls_cert: key(
    path('a PEM file, or a folder of pairs'),
    { type: 'Path' },
    'PEM file with the certificate and its chain. Or a folder: each `.crt` or `.pem` file belongs to the `.key` file of the same base name, and prox chooses the certificate by SNI: the exact name, then a wildcard, then the first.',
  ),
  tls_key: key(path('a PEM file'), { type: 'Path' }, 'PEM file with the key of `tls_cert`; not needed for a folder.'),
  tls_client_ca: key(
    path('a PEM file'),
    { type: 'Path' },
    'PEM bundle against which client certificates are verified.',
  ),
  tls_client_auth: key(
    oneOf(['require', 'request']),
    { type: '`require`, `request`', default: 'require' },
    'With `tls_client_ca`. `require`: prox refuses a client without a valid certificate. `request`: prox asks for a certificate, and also accepts a client without one.',
  ),
  tls_min: key(
    oneOf(['1.2', '1.3']),
    { type: '`1.2`, `1.3`', default: '1.2' },
    'The lowest TLS version that clients may speak.',
  ),
  tls_max: key(
    oneOf(['1.2', '1.3']),
    { type: '`1.2`, `1.3`', default: '1.3' },
    'The highest TLS version that clients may speak.',
  ),
  tls_ciphers: key(
    list(parsed(text('a cipher suite such as "ECDHE-RSA-AES128-GCM-SHA256"'), checkCipher), 'a list of cipher suites'),
    { type: 'string[]', default: 'those with ECDHE and AES-GCM or ChaCha20' },
    'Cipher suites by their OpenSSL names, in order of preference. Names that begin with `TLS_` belong to TLS 1.3; without any of them, TLS 1.3 has the suites of OpenSSL.',
  ),
  tls_curves: key(
    list(parsed(text('a group such as "X25519"'), checkCurve), 'a list of groups'),
    { type: 'string[]', default: 'those of OpenSSL' },
    'Groups for the key exchange by their OpenSSL names, in order of preference: `X25519`, `prime256v1`, `secp384r1` …',
  ),
  acme: key(acmeSchema, { type: 'Acme' }, 'Automatic certificates; turns `tls` on.'),
  h2: key(flag(), { type: 'bool', default: 'true' }, 'Offer HTTP/2 by ALPN on a TLS listener.'),
  plugins: key(
    pluginList(),
    { type: 'string[]', default: '[]' },
    'Plugins of every route; they run before those of actions and routes.',
  ),
  config: key(limitsSchema, { type: 'ServiceConfig', default: '{}' }, 'Timeouts and limits.'),
  routes: key(
    routesSchema,
    { type: '(Route or Path)[]', required: true },
    'prox tries them in order, and the first match wins; without a match the answer is 404. A path is a route file, whose routes are inserted here. At least one route.',
  ),
};

export const serviceSchema = object(shape, 'a service').meta({
  id: 'Service',
  description: 'A listener and its routes.',
});

/** Shared actions and resources, as the root and every fragment may have them. */
export const poolShape = {
  actions: key(
    named(actionSchema, 'an object of named actions'),
    { type: 'name → Action', default: '{}' },
    'Actions that routes refer to by name.',
  ),
  resources: key(
    named(resourceSchema, 'an object of named resources'),
    { type: 'name → Resource', default: '{}' },
    'Bodies that `static` actions refer to by name.',
  ),
};

/** What a service file has instead of the `plugins` of a service. */
const pluginsOfFragment = {
  plugins: key(
    z.union([pluginList(), pluginRegistry()], {
      error: expected('a list of plugin names, or an object of named plugins'),
    }),
    { type: 'name → Plugin, or string[]', default: '{}' },
    'As an object: plugins by name, added to those of the root file. As a list: the same as `service_plugins`.',
  ),
  service_plugins: key(
    pluginList(),
    { type: 'string[]', default: '[]' },
    'Plugins of every route; they run before those of actions and routes.',
  ),
};

/** A service in a file of its own. */
export const fragmentSchema = object(
  { ...shape, ...pluginsOfFragment, ...poolShape, $schema: schemaKey },
  'a service',
).meta({
  id: 'ServiceFragment',
  description: 'A service file.',
});

export type RawService = z.infer<typeof serviceSchema>;
export type RawFragment = z.infer<typeof fragmentSchema>;
