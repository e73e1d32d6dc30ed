export { compileDomain, domainsMeet, type DomainCaptures, type DomainPattern } from './domain-pattern.ts';
export { normalizeHost } from './normalize-host.ts';
export { compilePath, type PathMatch, type PathPattern } from './path-pattern.ts';
export { type CoveredRoute, findCoveredRoutes } from './covered-routes.ts';
export { compileRouter, type HostMatch, type Route, type Router } from './router.ts';
