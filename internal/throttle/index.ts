export type { ByteSource } from './byte-source.ts';
export { createThrottle, Throttle, type Gate } from './throttle.ts';
export { minSliceOf, quantumOf, type Schedule, type ThrottleOptions } from './timed-source.ts';
export { TokenBucket } from './token-bucket.ts';
