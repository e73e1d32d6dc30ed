import type { ServeCacheConfig } from '../../config/index.ts';

/** Nothing is kept: every request reads the disk. */
export const NO_CACHE: ServeCacheConfig = { size: 0, maxFileSize: 0, maxAge: 0 };

/** As large as tests need it, and never out of date. */
export const LASTING_CACHE: ServeCacheConfig = { size: 2 ** 24, maxFileSize: 2 ** 20, maxAge: Number.MAX_VALUE };
