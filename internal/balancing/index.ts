export { createBalancer, type Balancer, type BalancerOptions, type BalancerType, type Lease } from './balancer.ts';
export { TargetStore, type Target } from './target.ts';
