export { type Balancer, type BalancerOptions, type BalancerType, createBalancer } from './balancer.ts';
export { isIdempotent, Retries } from './retries.ts';
export { type Target, TargetStore } from './target.ts';
export { TargetSearch } from './target-search.ts';
