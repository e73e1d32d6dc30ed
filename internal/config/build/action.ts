import type {
  ActionConfig,
  CertificateConfig,
  PassConfig,
  ProxyConfig,
  ServeCacheConfig,
  ServeConfig,
  StaticConfig,
  UpstreamTlsConfig,
} from '../config.ts';
import type { Written } from '../load/assemble.ts';
import type { RawAction, RawPass, RawProxy, RawServe, RawStatic } from '../schema/action.ts';
import { parseByteSize } from '../value/byte-size.ts';
import { parseDuration } from '../value/duration.ts';
import { problemOf } from '../value/invalid-value.ts';
import { suggestion } from '../value/nearest.ts';
import { parsePassUpstream, parseProxyUpstream } from '../value/upstream-address.ts';
import {
  accessLog,
  type BuildContext,
  existing,
  expectedLater,
  isBroken,
  partOf,
  positionOf,
  report,
  reportMissing,
} from './context.ts';
import { mergeNames, pluginNames } from './plugin-names.ts';
import { readBundle, readCheckedPair } from './pairs.ts';
import { buildResource, namedResource } from './resource.ts';

/**
 * The pages, scripts and styles of a site, and most of its images, are below 1 MiB and fit into 16 MiB, which is little
 * for a process of some 80 MiB. After changing a file, a person needs longer than a second to look at it.
 */
const DEFAULT_SERVE_CACHE: ServeCacheConfig = Object.freeze({
  size: 16 * 1024 ** 2,
  maxFileSize: 1024 ** 2,
  maxAge: 1000,
});

const NOTHING: Readonly<Record<string, string>> = Object.freeze({});

/** Builds an action; null, and problems, when that is not possible. `name` is null for one in place. */
export function buildAction(context: BuildContext, written: Written, name: string | null): ActionConfig | null {
  if (isBroken(context, written)) return null;
  const raw = written.value as RawAction;
  const before = context.findings.count;
  const base = {
    name,
    plugins: mergeNames(pluginNames(context, written, raw.plugins)),
    accessLog: accessLog(context, written, raw.access_log),
    position: positionOf(written),
  };
  const action = buildKind(context, written, raw, base);
  return context.findings.count === before ? action : null;
}

/**
 * What all actions have. It is copied field by field below: an object spread that is followed by more properties costs
 * 20 µs in V8, which is a fifth of a second for 10,000 actions.
 */
type Base = Pick<ActionConfig, 'name' | 'plugins' | 'accessLog' | 'position'>;

function buildKind(context: BuildContext, written: Written, raw: RawAction, base: Base): ActionConfig | null {
  switch (raw.type) {
    case 'proxy':
      return buildProxy(context, written, raw, base);
    case 'static':
      return buildStatic(context, written, raw, base);
    case 'serve':
      return buildServe(context, written, raw, base);
    case 'pass':
      return buildPass(context, written, raw, base);
    case 'drop':
      return Object.freeze({
        name: base.name,
        plugins: base.plugins,
        accessLog: base.accessLog,
        position: base.position,
        type: 'drop',
      });
  }
}

function buildProxy(context: BuildContext, written: Written, raw: RawProxy, base: Base): ProxyConfig {
  checkUpstream(context, written, raw.upstream, parseProxyUpstream);
  const https = /^(?:https|wss):/i.test(raw.upstream);
  if (raw.proto === 'h2' && raw.stream === true) {
    report(
      context,
      written,
      ['proto'],
      '`proto: "h2"` and `stream` exclude each other: HTTP/2 streams both ways by itself',
    );
  }
  if (raw.proto === 'h2' && https) {
    report(
      context,
      written,
      ['proto'],
      '`proto: "h2"` is HTTP/2 without TLS; expected an `http://` upstream, or `proto` left out: on `https://` HTTP/2 is negotiated',
    );
  }
  if (raw.upstream_tls !== undefined && !https && !raw.upstream.startsWith('{')) {
    report(context, written, ['upstream_tls'], '`upstream_tls` needs an upstream that begins with `https://`');
  }
  return Object.freeze({
    name: base.name,
    plugins: base.plugins,
    accessLog: base.accessLog,
    position: base.position,
    type: 'proxy',
    upstream: raw.upstream,
    timeout: raw.timeout === undefined ? null : parseDuration(raw.timeout) || null,
    headers: raw.headers === undefined ? NOTHING : Object.freeze({ ...raw.headers }),
    fallback: raw.fallback === undefined ? null : buildFallback(context, written, raw.fallback),
    proto: raw.proto === 'h2' ? 'h2' : null,
    stream: raw.stream ?? false,
    preserveHost: raw.preserve_host ?? false,
    upstreamTls: raw.upstream_tls === undefined ? null : buildUpstreamTls(context, partOf(written, 'upstream_tls')),
    proxyProtocol: raw.proxy_protocol ?? null,
  });
}

function buildUpstreamTls(context: BuildContext, written: Written): UpstreamTlsConfig {
  const raw = written.value as NonNullable<RawProxy['upstream_tls']>;
  if ((raw.cert === undefined) !== (raw.key === undefined)) {
    const [has, misses] = raw.cert === undefined ? ['key', 'cert'] : ['cert', 'key'];
    report(context, written, [has], `\`${has}\` needs \`${misses}\` beside it`);
  }
  const identity = raw.cert === undefined || raw.key === undefined ? null : buildIdentity(context, written, raw);
  return Object.freeze({
    ca: raw.ca === undefined ? null : readBundle(context, written, ['ca'], raw.ca),
    insecure: raw.insecure ?? false,
    serverName: raw.server_name ?? null,
    cert: identity?.cert ?? null,
    key: identity?.key ?? null,
  });
}

/** The client certificate for an upstream; null, and problems, when it cannot be used. */
function buildIdentity(
  context: BuildContext,
  written: Written,
  raw: NonNullable<RawProxy['upstream_tls']>,
): CertificateConfig | null {
  const cert = existing(context, written, ['cert'], raw.cert as string, ['file']);
  const key = existing(context, written, ['key'], raw.key as string, ['file']);
  if (cert === null || key === null) return null;
  return readCheckedPair(context, written, { cert: ['cert'], key: ['key'] }, cert, key);
}

/** Circles are cut and reported by checkFallbackCircles, which runs first. */
function buildFallback(context: BuildContext, written: Written, name: string): ActionConfig | null {
  const fallback = namedAction(context, name, written, ['fallback']);
  if (fallback?.type === 'pass') {
    return report(
      context,
      written,
      ['fallback'],
      `\`${name}\` is a pass action; a fallback runs after the request was read, expected another kind`,
    );
  }
  return fallback;
}

/** The shared action of a name, built when it is first asked for. Null, and a problem, when there is none. */
export function namedAction(
  context: BuildContext,
  name: string,
  user: Written,
  path: readonly PropertyKey[],
): ActionConfig | null {
  const { actions } = context.project;
  const written = actions.get(name);
  if (written === undefined) {
    if (context.findings.incomplete) return null;
    const hint = suggestion(name, [...actions.keys()], 'known actions');
    return report(context, user, path, `there is no action \`${name}\`${hint}`);
  }
  const built = context.actions.get(name);
  if (built !== undefined) return built;
  const action = buildAction(context, written, name);
  context.actions.set(name, action);
  return action;
}

/** Reports every circle of fallbacks once, and keeps its actions from being built. */
export function checkFallbackCircles(context: BuildContext): void {
  const done = new Set<string>();
  for (const start of context.project.actions.keys()) {
    const chain: string[] = [];
    let name: string | undefined = start;
    while (name !== undefined && !done.has(name) && !chain.includes(name)) {
      chain.push(name);
      name = fallbackOf(context, name);
    }
    if (name !== undefined && chain.includes(name)) {
      const circle = chain.slice(chain.indexOf(name));
      const last = context.project.actions.get(circle.at(-1) as string) as Written;
      report(context, last, ['fallback'], `the fallbacks go in a circle: ${[...circle, name].join(' → ')}`);
      for (const each of circle) context.actions.set(each, null);
    }
    for (const each of chain) done.add(each);
  }
}

function fallbackOf(context: BuildContext, name: string): string | undefined {
  const value = context.project.actions.get(name)?.value as Record<string, unknown> | null | undefined;
  const fallback = value?.['fallback'];
  return typeof fallback === 'string' ? fallback : undefined;
}

function buildStatic(context: BuildContext, written: Written, raw: RawStatic, base: Base): StaticConfig {
  let body = null;
  if (typeof raw.body_ref === 'string') body = namedResource(context, raw.body_ref, written, ['body_ref']);
  else if (raw.body_ref !== undefined) body = buildResource(context, partOf(written, 'body_ref'));
  const headers = raw.headers === undefined ? NOTHING : Object.freeze({ ...raw.headers });
  return Object.freeze({
    name: base.name,
    plugins: base.plugins,
    accessLog: base.accessLog,
    position: base.position,
    type: 'static',
    status: raw.status,
    headers,
    body,
  });
}

function buildServe(context: BuildContext, written: Written, raw: RawServe, base: Base): ServeConfig {
  if ((raw.root === undefined) === (raw.file === undefined)) {
    const found = raw.root === undefined ? 'neither' : 'both';
    const tell = raw.root === undefined ? reportMissing : report;
    tell(context, written, [], `expected exactly one of \`root\` (a folder) and \`file\`, found ${found}`);
  }
  const root = raw.root === undefined ? null : expectedLater(context, written, 'root', raw.root, 'folder');
  const file = raw.file === undefined ? null : expectedLater(context, written, 'file', raw.file, 'file');
  return Object.freeze({
    name: base.name,
    plugins: base.plugins,
    accessLog: base.accessLog,
    position: base.position,
    type: 'serve',
    root,
    file,
    cache: raw.cache === undefined ? DEFAULT_SERVE_CACHE : buildServeCache(raw.cache),
  });
}

function buildServeCache(raw: NonNullable<RawServe['cache']>): ServeCacheConfig {
  const bytes = (value: string | number | undefined, otherwise: number): number =>
    value === undefined ? otherwise : parseByteSize(value, { min: 0 });
  return Object.freeze({
    size: bytes(raw.size, DEFAULT_SERVE_CACHE.size),
    maxFileSize: bytes(raw.max_file_size, DEFAULT_SERVE_CACHE.maxFileSize),
    maxAge: raw.max_age === undefined ? DEFAULT_SERVE_CACHE.maxAge : parseDuration(raw.max_age),
  });
}

function buildPass(context: BuildContext, written: Written, raw: RawPass, base: Base): PassConfig {
  checkUpstream(context, written, raw.upstream, parsePassUpstream);
  return Object.freeze({
    name: base.name,
    plugins: base.plugins,
    accessLog: base.accessLog,
    position: base.position,
    type: 'pass',
    upstream: raw.upstream,
    proxyProtocol: raw.proxy_protocol ?? null,
  });
}

/** A template is checked for each route that fills it. */
function checkUpstream(context: BuildContext, written: Written, upstream: string, check: (text: string) => void): void {
  if (/\{[^{}]*\}/.test(upstream)) return;
  const problem = problemOf(check, upstream);
  if (problem !== null) report(context, written, ['upstream'], problem);
}
