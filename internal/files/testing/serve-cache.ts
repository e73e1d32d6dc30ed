import type { ServeCacheConfig } from '../../config/index.ts';

/** A cache that keeps nothing: every request reads the disk. */
export const NO_CACHE: ServeCacheConfig = { size: 0, maxFileSize: 0, maxAge: 0 };

/** A cache that is large enough for tests and never out of date. */
export const LASTING_CACHE: ServeCacheConfig = { size: 2 ** 24, maxFileSize: 2 ** 20, maxAge: Number.MAX_VALUE };
