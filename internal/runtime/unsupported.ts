import type { ActionConfig, Config, ProxyConfig, ServiceConfig } from '../config/index.ts';
import { StartError } from './start-error.ts';

/**
 * Refuses what is valid but not served by this version: a config that asks for it must not run without it.
 * @throws StartError
 */
export function refuseUnsupported(config: Config): void {
  for (const service of config.services) {
    const refuse = (key: string, what: string): never => {
      throw new StartError(service.position, `services.${service.name}.${key}`, `${what} is not served by this version of prox`);
    };
    if (service.tls !== null) refuse('tls', 'TLS');
    if (service.limits.proxyProtocol) refuse('config.proxy_protocol', 'the PROXY protocol');
    if (service.plugins.length > 0) refuse('plugins', 'running plugins');
    for (const route of service.routes) {
      if (route.plugins.length > 0) refuse(`routes (${route.id}).plugins`, 'running plugins');
      refuseAction(service, route.id, route.action);
    }
  }
}

function refuseAction(service: ServiceConfig, routeId: string, action: ActionConfig): void {
  const refuse = (what: string): never => {
    const path = action.name === null ? `services.${service.name}.routes (${routeId}).action` : `actions.${action.name}`;
    throw new StartError(action.position, path, `${what} is not served by this version of prox`);
  };
  if (action.type === 'pass') refuse('the pass action');
  if (action.type !== 'proxy') return;
  refuseProxy(action, refuse);
  if (action.fallback !== null) refuseAction(service, routeId, action.fallback);
}

function refuseProxy(action: ProxyConfig, refuse: (what: string) => never): void {
  if (action.proto === 'h2') refuse('proto "h2"');
  if (action.proxyProtocol !== null) refuse('the PROXY protocol');
}
