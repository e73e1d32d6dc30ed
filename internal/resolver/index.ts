export type { LookupWaiter } from './name-table.ts';
export { Resolver, type ResolverSettings } from './resolver.ts';
