import type { ActionConfig, BalancerConfig, PassConfig, ProxyConfig } from '../config.ts';
import type { Written } from '../load/assemble.ts';
import { problemOf } from '../value/invalid-value.ts';
import { didYouMean, suggestion } from '../value/nearest.ts';
import { fillUpstream, upstreamPlaceholders } from '../value/template.ts';
import { parsePassUpstream, parseProxyUpstream } from '../value/upstream-address.ts';
import { type BuildContext, report } from './context.ts';

/** What a route fills the upstreams of its action with. */
export interface Filling {
  readonly set: Readonly<Record<string, string>>;
  readonly balancer: BalancerConfig | null;
  /** Plugins may bring targets. */
  readonly plugins: boolean;
}

/** Checks the upstream of a route's action and of its fallbacks with what the route fills them with. */
export function checkUpstreams(context: BuildContext, route: Written, action: ActionConfig, filling: Filling): void {
  let at: ActionConfig | null = action;
  while (at !== null && (at.type === 'proxy' || at.type === 'pass')) {
    if (at.upstream.includes('{')) checkOne(context, route, at, action, filling);
    at = at.type === 'proxy' ? at.fallback : null;
  }
}

function checkOne(
  context: BuildContext,
  route: Written,
  action: ProxyConfig | PassConfig,
  first: ActionConfig,
  filling: Filling,
): void {
  const { set, balancer, plugins } = filling;
  const whose = `the upstream "${action.upstream}"${ownerOf(action, first)}`;
  const path = action === first && action.name === null ? ['action', 'upstream'] : ['action'];
  let names = context.placeholders.get(action.upstream);
  if (names === undefined) context.placeholders.set(action.upstream, (names = upstreamPlaceholders(action.upstream)));
  let complete = true;
  for (const name of names) {
    if (name === 'target' ? balancer !== null || plugins : Object.hasOwn(set, name)) continue;
    complete = false;
    const why = name === 'target' ? 'needs a `balancer` on the route' : `needs \`${name}\` in the \`set\` of the route`;
    const keys = Object.keys(set);
    const hint = name === 'target' ? '' : didYouMean(name, [...keys, 'target']) || suggestion(name, keys, 'set');
    // A key that the route does not have may be the misplaced one.
    if (!context.findings.hasUnknownKey(route.document, route.node))
      report(context, route, path, `${whose} ${why}${hint}`);
  }
  if (!complete) return;
  const usesTarget = names.includes('target');
  // Targets that plugins bring are checked when they come.
  const targets = usesTarget ? (balancer?.targets ?? []) : [''];
  const check = action.type === 'pass' ? parsePassUpstream : parseProxyUpstream;
  targets.forEach((target, index) => {
    const filled = fillUpstream(action.upstream, usesTarget ? { ...set, target } : set);
    const key = action.type + filled;
    if (context.addresses.has(key)) return;
    const problem = problemOf(check, filled);
    if (problem === null) {
      context.addresses.add(key);
      return;
    }
    const at = usesTarget ? ['balancer', 'targets', index] : path;
    report(context, route, at, filled === target ? problem : `${whose} does not become an address: ${problem}`);
  });
}

function ownerOf(action: ActionConfig, first: ActionConfig): string {
  if (action.name === null) return '';
  return action === first ? ` of the action \`${action.name}\`` : ` of the fallback \`${action.name}\``;
}
