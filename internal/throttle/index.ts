export { Throttle, type Gate, type Schedule, type ThrottleOptions } from './throttle.ts';
export { TokenBucket } from './token-bucket.ts';
