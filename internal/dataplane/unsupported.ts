import type { ActionConfig, Config, Position, Problem, RouteConfig, ServiceConfig } from '../config/index.ts';
import { StartError } from './start-error.ts';

/**
 * Refuses a valid config that needs features which this version does not have, because it must not run without them.
 * @throws StartError with all of them
 */
export function refuseUnsupported(config: Config): void {
  const search = new Search(config);
  for (const service of config.services) search.service(service);
  if (search.found.length > 0) throw new StartError(search.found);
}

const EXTERNAL = 'running external plugins';

class Search {
  readonly found: Problem[] = [];
  /** Shared actions are reported once. */
  private readonly seen = new Set<ActionConfig>();
  private readonly offline: boolean;
  private readonly plugins: Config['plugins'];

  constructor({ skipped, plugins }: Config) {
    this.offline = skipped.length > 0;
    this.plugins = plugins;
  }

  service(service: ServiceConfig): void {
    const refuse = (key: string, what: string): void => {
      this.refuse(service.positions[key] ?? service.position, `services.${service.name}.${key}`, what);
    };
    // If files are not read (-offline), a certificate that the config names is not among the certificates.
    const paired = service.tls !== null && (service.tls.certificates.length > 0 || this.skips(service));
    if (service.tls !== null && service.tls.acme !== null && !paired) refuse('acme', 'ACME');
    if (this.runsOutside(service.plugins)) refuse('plugins', EXTERNAL);
    for (const route of service.routes) {
      const own = route.plugins.filter(
        (name) => !service.plugins.includes(name) && !route.action.plugins.includes(name),
      );
      if (this.runsOutside(own))
        this.refuse(route.position, `services.${service.name}.routes (${route.id}).plugins`, EXTERNAL);
      // The targets come from a plugin that starts by itself. Without it, every request would be a 502.
      if (route.balancer?.targets.length === 0 && !this.runsOutside(route.plugins)) {
        const path = `services.${service.name}.routes (${route.id}).balancer`;
        this.refuse(route.position, path, 'running external plugins, which would add its targets,');
      }
      this.action(service, route, route.action);
    }
  }

  private action(service: ServiceConfig, route: RouteConfig, action: ActionConfig): void {
    if (this.seen.has(action)) return;
    this.seen.add(action);
    const path =
      action.name === null ? `services.${service.name}.routes (${route.id}).action` : `actions.${action.name}`;
    const refuse = (what: string): void => this.refuse(action.position, path, what);
    if (this.runsOutside(action.plugins)) refuse(EXTERNAL);
    if (action.type === 'proxy' && action.fallback !== null) this.action(service, route, action.fallback);
  }

  /** Whether one of the plugins is not built in. */
  private runsOutside(names: readonly string[]): boolean {
    return names.some((name) => (this.plugins[name]?.category ?? null) === null);
  }

  private skips({ positions }: ServiceConfig): boolean {
    return this.offline && positions['tls_cert'] !== undefined;
  }

  private refuse(position: Position, path: string, what: string): void {
    this.found.push({ position, path, message: `${what} is not supported by this version of prox` });
  }
}
