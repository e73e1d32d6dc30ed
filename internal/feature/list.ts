import type { Feature } from '../exchange/index.ts';
import { compression } from './compression/index.ts';
import { forwardAuth } from './forward-auth/index.ts';
import { limit } from './limit/index.ts';
import { requestId } from './request-id/index.ts';
import { responseHeaders } from './response-headers/index.ts';
import { subFilter } from './sub-filter/index.ts';

/** Every middleware, in the order of the reference. A new one needs an entry here and no other registration. */
export const FEATURES: readonly Feature[] = [compression, forwardAuth, limit, requestId, responseHeaders, subFilter];
