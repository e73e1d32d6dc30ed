import { setImmediate } from 'node:timers/promises';
import type { ListenAddress, Position, RouteConfig, ServiceConfig } from '../config.ts';
import type { Written, WrittenService } from '../load/assemble.ts';
import type { RawFragment, RawService } from '../schema/service.ts';
import { listenAddressesClash, parseListenAddress } from '../value/listen-address.ts';
import { formatPosition } from '../problem.ts';
import { type BuildContext, partOf, positionOf, report } from './context.ts';
import { mergeNames, pluginNames } from './plugin-names.ts';
import { buildLimits } from './limits.ts';
import { buildRoute } from './route.ts';
import { buildTls, TLS_KEYS } from './tls.ts';

const OWN_KEYS = ['listen', 'tls', ...TLS_KEYS, 'acme', 'h2', 'plugins', 'service_plugins', 'config'];

/** Routes that are built before others may use the event loop: about ten milliseconds. */
const ROUTES_AT_A_TIME = 1000;

/** Builds a service; null, and problems, when that is not possible. */
export async function buildService(context: BuildContext, written: WrittenService): Promise<ServiceConfig | null> {
  const raw = written.value as RawService;
  const head = headIsBroken(context, written);
  const plugins = head ? [] : servicePlugins(context, written);
  const routes: RouteConfig[] = [];
  for (const [index, route] of written.routes.entries()) {
    if (index % ROUTES_AT_A_TIME === ROUTES_AT_A_TIME - 1) await setImmediate();
    const built = buildRoute(context, route, `${written.name}:${index}`, plugins);
    if (built !== null) routes.push(built);
  }
  const { findings } = context;
  // Includes that cannot be read explain a missing route better.
  if (written.routes.length === 0 && Array.isArray(raw.routes) && (raw.routes.length === 0 || findings.count === 0)) {
    report(context, written, ['routes'], 'expected at least one route');
  }
  if (head) return null;
  return Object.freeze({
    name: written.name,
    listen: parseListenAddress(raw.listen),
    tls: await buildTls(context, written, routes),
    plugins,
    limits: buildLimits(context, raw.config === undefined ? { ...written, value: {} } : partOf(written, 'config')),
    routes: Object.freeze(routes),
    position: positionOf(written),
    positions: keyPositions(written),
  });
}

/** A service file may register plugins under `plugins`, and calls its own list `service_plugins` then. */
function servicePlugins(context: BuildContext, written: WrittenService): readonly string[] {
  const raw = written.value as Partial<RawFragment>;
  const list = Array.isArray(raw.plugins) ? (raw.plugins as readonly string[]) : undefined;
  return mergeNames(
    pluginNames(context, written, list),
    pluginNames(context, written, raw.service_plugins, 'service_plugins'),
  );
}

/** The places of the keys that are not routes, those of `config` behind a dot. */
function keyPositions({ document, node }: Written): Readonly<Record<string, Position>> {
  const positions: Record<string, Position> = {};
  const add = (parent: number, prefix: string): void => {
    for (const [key, child] of document.members(parent))
      positions[prefix + key] = document.position(document.startOf(child));
  };
  add(node, '');
  const limits = document.member(node, 'config');
  if (limits >= 0) add(limits, 'config.');
  return Object.freeze(positions);
}

/** True when a key other than `routes` is not what it should be. */
function headIsBroken(context: BuildContext, { document, node, value }: WrittenService): boolean {
  if ((value as Partial<RawService>).listen === undefined) return true;
  return OWN_KEYS.some((key) => {
    const member = document.member(node, key);
    return member >= 0 && context.findings.isBroken(document, member);
  });
}

/** An address of a service, and its position in the config. */
export interface Listening {
  readonly address: ListenAddress;
  readonly owner: string;
  readonly written: Written;
}

/** Two sockets cannot share an address: the second would fail to bind, at every reload again. */
export function checkListenClashes(context: BuildContext, all: readonly Listening[]): void {
  all.forEach((one, index) => {
    const other = all.slice(0, index).find((each) => listenAddressesClash(each.address, one.address));
    if (other === undefined) return;
    const { document, node } = other.written;
    const at = formatPosition(document.position(document.startOf(document.member(node, 'listen'))));
    const overlap = other.address.text === one.address.text ? 'is' : `overlaps "${other.address.text}",`;
    const message = `"${one.address.text}" ${overlap} the address of ${other.owner}, at ${at}; expected one that is free`;
    report(context, one.written, ['listen'], message);
  });
}
