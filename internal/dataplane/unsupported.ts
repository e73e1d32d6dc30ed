import type { ActionConfig, Config, Position, Problem, RouteConfig, ServiceConfig } from '../config/index.ts';
import { StartError } from './start-error.ts';

/**
 * Refuses what is valid but not served by this version: a config that asks for it must not run without it.
 * @throws StartError with everything of that kind
 */
export function refuseUnsupported(config: Config): void {
  const search = new Search(config.skipped.length > 0);
  for (const service of config.services) search.service(service);
  if (search.found.length > 0) throw new StartError(search.found);
}

class Search {
  readonly found: Problem[] = [];
  /** Shared actions are told of once. */
  private readonly seen = new Set<ActionConfig>();
  private readonly offline: boolean;

  constructor(offline: boolean) {
    this.offline = offline;
  }

  service(service: ServiceConfig): void {
    const refuse = (key: string, what: string): void => {
      this.refuse(service.positions[key] ?? service.position, `services.${service.name}.${key}`, what);
    };
    // Without a look at its files, a pair that the config names is not among the certificates.
    const paired = service.tls !== null && (service.tls.certificates.length > 0 || this.skips(service));
    if (service.tls !== null && service.tls.acme !== null && !paired) refuse('acme', 'ACME');
    if (service.plugins.length > 0) refuse('plugins', 'running plugins');
    for (const route of service.routes) {
      const own = route.plugins.some((name) => !service.plugins.includes(name) && !route.action.plugins.includes(name));
      if (own) this.refuse(route.position, `services.${service.name}.routes (${route.id}).plugins`, 'running plugins');
      // Left to a plugin that starts by itself: without it, every request would be a 502.
      if (route.balancer?.targets.length === 0 && route.plugins.length === 0) {
        const path = `services.${service.name}.routes (${route.id}).balancer`;
        this.refuse(route.position, path, 'running plugins, which would bring its targets,');
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
    if (action.plugins.length > 0) refuse('running plugins');
    if (action.type === 'proxy' && action.fallback !== null) this.action(service, route, action.fallback);
  }

  private skips({ positions }: ServiceConfig): boolean {
    return this.offline && positions['tls_cert'] !== undefined;
  }

  private refuse(position: Position, path: string, what: string): void {
    this.found.push({ position, path, message: `${what} is not served by this version of prox` });
  }
}
