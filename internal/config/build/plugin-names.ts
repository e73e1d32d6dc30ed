import type { ActionConfig } from '../config.ts';
import type { Written } from '../load/assemble.ts';
import { absolute, type BuildContext, report } from './context.ts';

const NONE: readonly string[] = Object.freeze([]);

/** The key of a list of plugins. */
type ListKey = 'plugins' | 'service_plugins';

/**
 * Plugins as written at a key: registered names stay, those of ready-made plugins get their usual form, paths become
 * absolute.
 */
export function pluginNames(
  context: BuildContext,
  written: Written,
  names: readonly string[] | undefined,
  key: ListKey = 'plugins',
): readonly string[] {
  if (names === undefined || names.length === 0) return NONE;
  const resolved = names.map((name, index) => resolveName(context, written, key, name, index));
  resolved.forEach((name, index) => {
    if (resolved.indexOf(name) === index) return;
    const message = `the plugin \`${names[index]}\` is listed twice; it runs once, at its first place`;
    context.findings.warn(written.document, written.node, message, [key, index]);
  });
  return resolved;
}

function resolveName(context: BuildContext, written: Written, key: ListKey, name: string, index: number): string {
  const reference = context.plugins.refer(name);
  if (reference.name !== null) return reference.name;
  if (/^\.|\//.test(name)) return absolute(written, name);
  // A file that could not be read may have registered it.
  if (!context.findings.incomplete) report(context, written, [key, index], reference.problem);
  return name;
}

/** Joins lists without repeats; shares one frozen list when nothing is in them. */
export function mergeNames(...lists: readonly (readonly string[])[]): readonly string[] {
  if (lists.every((list) => list.length === 0)) return NONE;
  return Object.freeze([...new Set(lists.flat())]);
}

/** True when one of the plugins may bring targets to a balancer: those that are built in do not. */
export function bringTargets(context: BuildContext, names: readonly string[]): boolean {
  return names.some((name) => context.plugins.isExternal(name));
}

/**
 * Refuses or warns of plugins that would never run, although the config reads as if they did.
 * @param own the plugins that the route itself lists
 * @param merged those of service, action and route
 */
export function checkUnusedPlugins(
  context: BuildContext,
  route: Written,
  action: ActionConfig,
  own: readonly string[],
  merged: readonly string[],
): void {
  const builtIn = (names: readonly string[]): string[] => names.filter((name) => !context.plugins.isExternal(name));
  if (action.type === 'pass' || action.type === 'drop') {
    const why =
      action.type === 'pass'
        ? 'a pass action relays bytes that prox does not decrypt'
        : 'a drop action closes the connection without an answer';
    const [listed] = builtIn(own);
    if (listed !== undefined)
      report(context, route, ['plugins'], `\`${listed}\` would never run: ${why}; take it out of the list`);
    const [shared] = builtIn(action.plugins);
    if (shared !== undefined)
      report(context, route, ['action'], `\`${shared}\`, of the action, would never run: ${why}; take it out there`);
    return;
  }
  for (let each = fallbackOf(action); each !== null; each = fallbackOf(each)) {
    const lost = builtIn(each.plugins).filter((name) => !merged.includes(name));
    if (lost.length === 0) continue;
    const listed = lost.map((name) => `\`${name}\``).join(', ');
    const message = `the plugins of its fallback \`${each.name ?? ''}\` do not run here: ${listed}; list them on the route`;
    context.findings.warn(route.document, route.node, message, ['action']);
  }
}

function fallbackOf(action: ActionConfig): ActionConfig | null {
  return action.type === 'proxy' ? action.fallback : null;
}
