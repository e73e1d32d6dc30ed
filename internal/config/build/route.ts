import type { ActionConfig, BalancerConfig, MatchConfig, RouteConfig, SpeedConfig } from '../config.ts';
import type { Written } from '../load/assemble.ts';
import type { RawMatch } from '../schema/match.ts';
import type { RawBalancer, RawRoute, RawSpeed } from '../schema/route.ts';
import { parseDomainPattern } from '../value/domain-pattern.ts';
import { parseDuration } from '../value/duration.ts';
import { parseMethod } from '../value/header-field.ts';
import { parsePathPatterns } from '../value/path-pattern.ts';
import { buildAction, namedAction } from './action.ts';
import { accessLog, type BuildContext, isBroken, partOf, positionOf, report, reportMissing } from './context.ts';
import { bringTargets, checkUnusedPlugins, mergeNames, pluginNames } from './plugin-names.ts';
import { checkUpstreams } from './upstream-template.ts';

const NOTHING: Readonly<Record<string, string>> = Object.freeze({});
const NONE: readonly string[] = Object.freeze([]);

/** Milliseconds that a plugin call may take when the route does not say. */
const PLUGIN_TIMEOUT = 5000;

/** Builds a route; null, and problems, when that is not possible. */
export function buildRoute(
  context: BuildContext,
  written: Written,
  id: string,
  servicePlugins: readonly string[],
): RouteConfig | null {
  const action = routeAction(context, written);
  if (isBroken(context, written)) return null;
  const raw = written.value as RawRoute;
  const own = pluginNames(context, written, raw.plugins);
  const match = raw.match === undefined ? null : buildMatch(context, written, raw.match);
  const balancer = raw.balancer === undefined ? null : buildBalancer(raw.balancer);
  const speed = raw.speed === undefined ? null : buildSpeed(context, written, raw.speed);
  if (action === null) return null;
  const plugins = mergeNames(servicePlugins, action.plugins, own);
  const set = raw.set === undefined ? NOTHING : Object.freeze({ ...raw.set });
  if (action.type === 'pass') checkPass(context, written, raw.match);
  const targetsCome = bringTargets(context, plugins);
  if (balancer !== null) checkBalancer(context, written, action, balancer, targetsCome);
  checkUpstreams(context, written, action, { set, balancer, plugins: targetsCome });
  if (plugins.length > 0) checkUnusedPlugins(context, written, action, own, plugins);
  return Object.freeze({
    id,
    match,
    action,
    set,
    balancer,
    speed,
    plugins,
    pluginTimeout: raw.plugin_timeout === undefined ? PLUGIN_TIMEOUT : parseDuration(raw.plugin_timeout),
    accessLog: accessLog(context, written, raw.access_log) ?? action.accessLog,
    position: positionOf(written),
  });
}

/** The name of an action is looked up even where the rest of the route is broken: all problems at once. */
function routeAction(context: BuildContext, written: Written): ActionConfig | null {
  const action = (written.value as Partial<RawRoute> | null)?.action;
  if (typeof action === 'string') return action === '' ? null : namedAction(context, action, written, ['action']);
  return typeof action === 'object' && action !== null ? buildAction(context, partOf(written, 'action'), null) : null;
}

function buildMatch(context: BuildContext, written: Written, raw: RawMatch): MatchConfig {
  if (raw.domain === undefined && raw.path === undefined) {
    reportMissing(context, written, ['match'], 'expected `domain` or `path`; leave `match` out to match everything');
  }
  return Object.freeze({
    domain: raw.domain === undefined ? null : parseDomainPattern(raw.domain),
    paths: raw.path === undefined ? NONE : Object.freeze(parsePathPatterns(raw.path)),
    methods: raw.methods === undefined ? NONE : Object.freeze([...new Set(raw.methods.map(parseMethod))]),
  });
}

function buildBalancer(raw: RawBalancer): BalancerConfig {
  return Object.freeze({
    type: raw.type,
    targets: Object.freeze([...(raw.targets ?? [])]),
    fallback: raw.fallback ?? false,
  });
}

function buildSpeed(context: BuildContext, written: Written, raw: RawSpeed): SpeedConfig {
  const downloadMbps = raw.download_mbps || null;
  const uploadMbps = raw.upload_mbps || null;
  if (downloadMbps === null && uploadMbps === null) {
    reportMissing(context, written, ['speed'], 'expected `download_mbps` or `upload_mbps` above 0');
  }
  return Object.freeze({ downloadMbps, uploadMbps, shared: raw.shared ?? false });
}

/** Checks the match of a route with pass: before TLS is terminated, only the server name is known. */
function checkPass(context: BuildContext, written: Written, match: RawMatch | undefined): void {
  if (match?.domain === undefined) {
    report(
      context,
      written,
      match === undefined ? [] : ['match'],
      'a route with a pass action needs `match.domain`: it is chosen by the name in the TLS ClientHello',
    );
  }
  if (match?.path !== undefined) {
    report(
      context,
      written,
      ['match', 'path'],
      'a route with a pass action cannot match a path: it is encrypted; expected `domain` alone',
    );
  }
  if (match?.methods !== undefined && match.methods.length > 0) {
    report(
      context,
      written,
      ['match', 'methods'],
      'a route with a pass action cannot match methods: they are encrypted; expected `domain` alone',
    );
  }
}

function checkBalancer(
  context: BuildContext,
  written: Written,
  action: ActionConfig,
  { targets }: BalancerConfig,
  targetsCome: boolean,
): void {
  if (action.type !== 'proxy' && action.type !== 'pass') {
    report(context, written, ['balancer'], `a balancer needs a proxy or a pass action, found ${action.type}`);
    return;
  }
  if (targets.length === 0 && !targetsCome && !context.plugins.autostarts) {
    report(context, written, ['balancer', 'targets'], 'expected at least one target, or plugins that fill them');
  }
  targets.forEach((target, index) => {
    const first = targets.indexOf(target);
    if (first < index)
      report(
        context,
        written,
        ['balancer', 'targets', index],
        `the target "${target}" is repeated; expected each once`,
      );
  });
  if (!action.upstream.includes('{target}')) {
    const whose = action.name === null ? 'the action' : `the action \`${action.name}\``;
    const path = action.name === null ? ['action', 'upstream'] : ['balancer'];
    report(
      context,
      written,
      path,
      `with a balancer, the upstream of ${whose} must contain \`{target}\`, found "${action.upstream}"`,
    );
  }
}
