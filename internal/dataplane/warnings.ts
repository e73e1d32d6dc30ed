import { setImmediate } from 'node:timers/promises';
import {
  type CertificateConfig,
  type Config,
  formatPosition,
  type Problem,
  type RouteConfig,
  type ServiceConfig,
} from '../config/index.ts';
import { type CoveredRoute, domainsMeet, findCoveredRoutes } from '../router/index.ts';

/** Number of routes that are checked before the event loop may do other work: a few milliseconds. */
const ROUTES_AT_A_TIME = 500;

/** Number of warnings of one kind for a service; further ones are only counted. */
const LISTED = 20;

/**
 * All warnings about a config that can be served but probably does not mean what it says: those of loading it, and
 * those about its routes and names.
 */
export async function warningsOf(config: Config): Promise<readonly Problem[]> {
  const warnings = [...config.warnings];
  for (const service of config.services) warnings.push(...(await uselessRoutes(service)));
  return [...warnings, ...uselessCertificates(config.services)];
}

async function uselessRoutes(service: ServiceConfig): Promise<Problem[]> {
  const { routes, limits } = service;
  // A route for everything explains why all routes after it are not reached.
  const last = routes.findIndex(({ match }) => match === null);
  const some = last < 0 ? routes : routes.slice(0, last + 1);
  const behind = routes.length - some.length;
  const warnings: Problem[] = [];
  let left = 0;
  let looked = 0;
  const coverable = some.map(({ match, action }) => ({ match, byHost: action.type === 'pass' }));
  for (const covered of findCoveredRoutes(coverable, limits)) {
    if (++looked % ROUTES_AT_A_TIME === 0) await setImmediate();
    if (covered === null) continue;
    if (warnings.length < LISTED) warnings.push(coveredWarning(service, covered));
    else left++;
  }
  const { position, name } = service;
  if (left > 0)
    warnings.push({ position, path: `services.${name}.routes`, message: `no request reaches ${left} more routes` });
  if (behind > 0) warnings.push(catchAllWarning(service, some[last], behind));
  return warnings;
}

function catchAllWarning(service: ServiceConfig, route: RouteConfig, behind: number): Problem {
  const rest = behind === 1 ? 'the route after it never gets one' : `the ${behind} routes after it never get one`;
  return problemAt(service, route, `it matches every request, so that ${rest}; move it to the end`);
}

function coveredWarning(service: ServiceConfig, { index, by }: CoveredRoute): Problem {
  const first = service.routes[Math.min(...by)];
  const others = by.length === 1 ? '' : by.length === 2 ? ' and another one' : ` and ${by.length - 1} others`;
  const where = `${first.id}, at ${formatPosition(first.position)},${others}`;
  const come = by.length === 1 ? 'matches all of its requests and comes' : 'match all of its requests and come';
  return problemAt(service, service.routes[index], `no request reaches this route: ${where} ${come} first`);
}

function problemAt({ name }: ServiceConfig, { position, id }: RouteConfig, message: string): Problem {
  return { position, path: `services.${name}.routes (${id})`, message };
}

/** Several services may use a folder. A certificate is useful if one of them has a route for it. */
function uselessCertificates(services: readonly ServiceConfig[]): Problem[] {
  const useless = new Map<string, Problem>();
  const useful = new Set<string>();
  for (const service of services) {
    const domains = decryptedDomains(service);
    for (const certificate of service.tls?.certificates ?? []) {
      const { certPath } = certificate;
      if (domains === null || domains.some((domain) => isFor(certificate, domain))) useful.add(certPath);
      else if (!useless.has(certPath)) useless.set(certPath, certificateWarning(service, certificate));
    }
  }
  return [...useless].filter(([path]) => !useful.has(path)).map(([, problem]) => problem);
}

/** The domains of the routes for which prox terminates TLS; null if any name may come. */
function decryptedDomains({ routes }: ServiceConfig): readonly string[] | null {
  const domains: string[] = [];
  for (const { match, action } of routes) {
    if (action.type === 'pass') continue;
    if (match === null || match.domain === null) return null;
    domains.push(match.domain);
  }
  return domains;
}

function isFor({ names }: CertificateConfig, domain: string): boolean {
  return names.some((name) => domainsMeet(name, domain));
}

function certificateWarning(service: ServiceConfig, { certPath, names }: CertificateConfig): Problem {
  const listed = names.slice(0, 3).join(', ') + (names.length > 3 ? ', …' : '');
  const what = names.length === 0 ? 'it has no host name' : `no route of the service has one of its names (${listed})`;
  return {
    position: service.positions['tls_cert'] ?? service.position,
    path: `services.${service.name}.tls_cert`,
    message: `${certPath}: ${what}`,
  };
}
