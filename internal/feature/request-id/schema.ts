import type * as z from 'zod';
import { checkFieldName, flag, integer, key, middleware, oneOf, parsed, stepKey, text } from '../../config/index.ts';

/** Characters of an id at most: the same for accepted and for generated ones. */
export const MAX_ID_LENGTH = 128;

export const requestIdSchema = middleware(
  'request_id',
  {
    algorithm: key(
      oneOf(['uuid', 'nanoid']),
      { type: '`uuid`, `nanoid`', default: 'uuid' },
      '`uuid`: a UUID of version 7, which sorts by time (RFC 9562). `nanoid`: random letters, digits, `_` and `-`.',
    ),
    size: key(
      integer(1, MAX_ID_LENGTH, 'a number of characters'),
      { type: 'integer', default: '8' },
      'Characters of a nanoid, each of 6 random bits.',
    ),
    header_name: key(
      parsed(text('a header name'), checkFieldName),
      { type: 'string', default: 'X-Request-Id' },
      'Field that brings an id, that the upstream gets it in, and that answers have it in.',
    ),
    traceparent: key(
      flag(),
      { type: 'bool', default: 'false' },
      'Take the trace id of a `traceparent` field (W3C Trace Context) where a trusted peer sends no other id.',
    ),
    step: stepKey(
      ['request', 'proxy_upstream'],
      '`request`: every request gets an id. `proxy_upstream`: only one that is sent to an upstream does.',
    ),
  },
  'Gives each request an id: for the upstream, the client and the logs.',
);

export type RawRequestId = z.infer<typeof requestIdSchema>;
