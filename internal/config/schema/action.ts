import * as z from 'zod';
import { didYouMean } from '../value/nearest.ts';
import { checkFieldName, checkFieldValue } from '../value/header-field.ts';
import { checkFieldTemplate, checkHostTemplate } from '../value/template.ts';
import { describeValue, InvalidValue } from '../value/invalid-value.ts';
import {
  anyText,
  byteSize,
  duration,
  expected,
  flag,
  key,
  list,
  nameOr,
  named,
  object,
  oneOf,
  parsed,
  path,
  text,
} from './field.ts';
import { resourceSchema } from './resource.ts';

const common = {
  plugins: key(
    pluginList(),
    { type: 'string[]', default: '[]' },
    'Plugins of every route that uses the action; they run after those of the service and before those of the route.',
  ),
  access_log: key(
    path('the access log, or "off"'),
    { type: 'Path or `"off"`', default: 'the global one' },
    'Access log of every route that uses the action, unless the route names its own.',
  ),
};

const proxyProtocol = key(
  oneOf(['v1', 'v2']),
  { type: '`v1`, `v2`', default: 'none' },
  'Begin every upstream connection with a PROXY protocol header that contains the address of the client. The upstream must expect it; otherwise it treats it as a malformed request.',
);

export const upstreamTlsSchema = object(
  {
    ca: key(
      path('a PEM file'),
      { type: 'Path', default: "the system's roots" },
      'PEM bundle against which upstream certificates are verified, instead of the roots of the system.',
    ),
    insecure: key(
      flag(),
      { type: 'bool', default: 'false' },
      'Accept any certificate. **Danger:** an attacker between prox and the upstream can read and change everything.',
    ),
    server_name: key(
      text('a host name'),
      { type: 'string', default: "the upstream's host" },
      'Name that is sent as SNI and for which the certificate must be valid; by default the host of the upstream.',
    ),
    cert: key(
      path('a PEM file'),
      { type: 'Path' },
      'Client certificate for upstreams that ask for one; together with `key`.',
    ),
    key: key(path('a PEM file'), { type: 'Path' }, 'Key of `cert`.'),
  },
  'an object of TLS settings',
).meta({ id: 'UpstreamTls', description: 'TLS towards `https://` upstreams.' });

export const proxySchema = object(
  {
    type: actionType('proxy'),
    upstream: key(
      text('an upstream: "host:port", "http://…", "https://…" or "unix:///…"'),
      { type: 'string', required: true },
      'The server for the requests: `host:port`, `http://…`, `https://…`, `unix:///…`, or a template with `{target}` (chosen by the balancer of the route) and with names from the `set` of the route. The default port is 80, or 443 with `https://`; `ws://` and `wss://` mean `http://` and `https://`. A path is put before the path of the request: `http://a:1/api` + `/x` = `/api/x`.',
    ),
    timeout: key(
      duration(),
      { type: 'Duration', default: '5s' },
      'Limit for connecting, if the service has no `dial_timeout`. `0` means the default. `response_header_timeout` limits the wait for the answer.',
    ),
    headers: key(
      headers(checkProxyHeader),
      { type: 'name → string', default: '{}' },
      'Header fields of the request to the upstream; they replace those that the client or prox would send. `Host` is allowed. Values may contain the placeholders of `static`; `Host` may contain `{host}`, `{domain}`, `{match.domain}` and `{match.glob}`.',
    ),
    preserve_host: key(
      flag(),
      { type: 'bool', default: 'false' },
      'Send the `Host` of the client. Otherwise `Host` is the authority of the upstream, unless `headers` sets another one.',
    ),
    fallback: key(
      text('the name of an action'),
      { type: 'name' },
      'Action that runs when no target is left or the upstream cannot be reached; not a `pass` action.',
    ),
    proto: key(
      oneOf(['h2', '']),
      { type: '`h2`', default: 'HTTP/1.1' },
      'Speak HTTP/2 without TLS to the upstream. Not with `https://` (HTTP/2 is negotiated there) and not with `stream`.',
    ),
    stream: key(
      flag(),
      { type: 'bool', default: 'false' },
      'Use a connection of its own for each request, on which both directions may flow, or be silent, for any length of time (no stall_timeout). CONNECT is allowed.',
    ),
    upstream_tls: key(
      upstreamTlsSchema,
      { type: 'UpstreamTls' },
      'TLS settings for `https://` upstreams. By default they are verified against the roots of the system.',
    ),
    proxy_protocol: proxyProtocol,
    ...common,
  },
  'an action',
).meta({ id: 'ProxyAction', description: 'Forwards requests to an upstream.' });

export const staticSchema = object(
  {
    type: actionType('static'),
    status: key(
      parsed(z.number({ error: expected('a status from 200 to 599') }), checkStatus).meta({
        type: 'integer',
        minimum: 200,
        maximum: 599,
      }),
      { type: 'integer', required: true },
      'Status of the response, 200 to 599. A 1xx cannot be a final response.',
    ),
    headers: key(
      headers(checkStaticHeader),
      { type: 'name → string', default: '{}' },
      'Header fields of the response; placeholders are filled in.',
    ),
    body_ref: key(
      nameOr(resourceSchema, 'the name of a resource, or a resource'),
      { type: 'name or Resource', default: 'an empty body' },
      'The body: the name of a resource, or a resource in place.',
    ),
    ...common,
  },
  'an action',
).meta({ id: 'StaticAction', description: 'Answers with a fixed response.' });

export const serveCacheSchema = object(
  {
    size: key(
      byteSize({ min: 0 }),
      { type: 'Size', default: '16m' },
      'Memory for the files of the action, in each worker process and for each route that uses it. The file that was not requested for the longest time is removed first. `0` turns the cache off.',
    ),
    max_file_size: key(
      byteSize({ min: 0 }),
      { type: 'Size', default: '1m' },
      'Largest file whose contents are kept in memory. prox reads the contents of larger files for each request.',
    ),
    max_age: key(
      duration(),
      { type: 'Duration', default: '1s' },
      'How long a file is sent without another check of the disk. prox notices a changed or deleted file after this time at the latest. `0` turns the cache off.',
    ),
  },
  'an object with size, max_file_size and max_age',
).meta({ id: 'ServeCache', description: 'The memory for served files.' });

export const serveSchema = object(
  {
    type: actionType('serve'),
    root: key(
      path('a folder'),
      { type: 'Path' },
      'Folder to serve. prox removes the prefix of the route: `/static/*` with root `./public` maps `/static/a.css` to `./public/a.css`. For a folder it sends `index.html`, and never a listing; it never serves a file outside of root. Set exactly one of `root` and `file`. A missing folder is a warning, and requests get 404 until it exists.',
    ),
    file: key(path('a file'), { type: 'Path' }, 'One file that answers every request of the route.'),
    cache: key(
      serveCacheSchema,
      { type: 'ServeCache', default: '{}' },
      'Which files are kept in memory, and for how long.',
    ),
    ...common,
  },
  'an action',
).meta({ id: 'ServeAction', description: 'Serves files. GET and HEAD only.' });

export const passSchema = object(
  {
    type: actionType('pass'),
    upstream: key(
      text('an upstream: "host:port" or "unix:///…"'),
      { type: 'string', required: true },
      'The server for the connections: `host:port`, `unix:///…`, or a template as for `proxy`.',
    ),
    proxy_protocol: proxyProtocol,
    ...common,
  },
  'an action',
).meta({ id: 'PassAction', description: 'Relays TLS connections without decrypting them, chosen by SNI.' });

export const dropSchema = object({ type: actionType('drop'), ...common }, 'an action').meta({
  id: 'DropAction',
  description: 'Closes the connection without an answer.',
});

const TYPES = ['proxy', 'static', 'serve', 'pass', 'drop'] as const;
const TYPES_TEXT = '"proxy", "static", "serve", "pass" or "drop"';

/** An action, told apart by its type. */
export const actionSchema = z
  .discriminatedUnion('type', [proxySchema, staticSchema, serveSchema, passSchema, dropSchema], { error: actionError })
  .meta({ id: 'Action', description: 'What to do with a request.' });

export type RawAction = z.infer<typeof actionSchema>;
export type RawProxy = z.infer<typeof proxySchema>;
export type RawStatic = z.infer<typeof staticSchema>;
export type RawServe = z.infer<typeof serveSchema>;
export type RawPass = z.infer<typeof passSchema>;

/** Names of plugins, or paths to them. */
export function pluginList() {
  return list(text('the name of a plugin or a path to one'), 'a list of plugin names');
}

function actionType<const T extends string>(type: T) {
  return key(z.literal(type), { type: `\`"${type}"\``, required: true }, 'Kind of the action.');
}

/** The input of a discriminated union that failed is the whole action: what matters is its `type`. */
function actionError(issue: { readonly code?: string | undefined; readonly input?: unknown }): string {
  if (issue.code !== 'invalid_union') return expected('an action')(issue);
  const type = (issue.input as { readonly type?: unknown }).type;
  if (type === undefined) return `is required: expected ${TYPES_TEXT}`;
  const hint = typeof type === 'string' ? typeHint(type) : '';
  return `expected ${TYPES_TEXT}, found ${describeValue(type)}${hint}`;
}

/** What people call the types who come from elsewhere. */
const TYPE_ALIASES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    reverse_proxy: 'proxy',
    http: 'proxy',
    file: 'serve',
    files: 'serve',
    file_server: 'serve',
    folder: 'serve',
    respond: 'static',
    response: 'static',
    text: 'static',
    return: 'static',
    block: 'drop',
    close: 'drop',
    deny: 'drop',
    reject: 'drop',
    passthrough: 'pass',
    relay: 'pass',
    tcp: 'pass',
  }),
);

function typeHint(type: string): string {
  if (/^redir(ect)?$/i.test(type)) {
    return '; this version has no redirects of their own: write { type: "static", status: 308, headers: { Location: "https://{host}{uri}" } }';
  }
  const alias = TYPE_ALIASES.get(type.toLowerCase());
  return alias === undefined ? didYouMean(type, TYPES) : `; did you mean \`${alias}\`?`;
}

function checkStatus(status: number): void {
  if (status >= 100 && status < 200) {
    throw new InvalidValue(
      `expected a status from 200 to 599, found ${status}: a 1xx response is only ever a step on the way to another`,
    );
  }
  if (!Number.isInteger(status) || status < 200 || status > 599)
    throw new InvalidValue(`expected a status from 200 to 599, found ${status}`);
}

function headers(checkField: (name: string, value: string) => void) {
  const record = named(anyText('a header value'), 'an object of header names and values', checkFieldName);
  return record.check((context) => {
    const seen = new Map<string, string>();
    for (const [name, value] of Object.entries(context.value)) {
      const message = fieldProblem(seen, name, value, checkField);
      if (message !== null) context.issues.push({ code: 'custom', input: context.value, path: [name], message });
      seen.set(name.toLowerCase(), name);
    }
  });
}

function fieldProblem(
  seen: Map<string, string>,
  name: string,
  value: string,
  check: (name: string, value: string) => void,
): string | null {
  const twin = seen.get(name.toLowerCase());
  if (twin !== undefined)
    return `the header is set twice: header names are compared without case, and \`${twin}\` is above`;
  try {
    check(name, value);
    return null;
  } catch (error) {
    if (error instanceof InvalidValue) return error.message;
    throw error;
  }
}

function checkProxyHeader(name: string, value: string): void {
  if (name.toLowerCase() !== 'host') return checkFieldTemplate(value);
  checkFieldValue(value);
  checkHostTemplate(value);
}

function checkStaticHeader(_name: string, value: string): void {
  checkFieldTemplate(value);
}
