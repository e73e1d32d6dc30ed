import type * as z from 'zod';
import { duration, integer, key, middleware, oneOf, stepKey, text } from '../../config/index.ts';

/** Maximum of `max`. A larger number would limit nothing, and counts up to this one stay exact. */
const MAX_COUNT = 1_000_000_000;

export const limitSchema = middleware(
  'limit',
  {
    type: key(
      oneOf(['rate', 'inflight']),
      { type: '`rate`, `inflight`', default: 'rate' },
      'What is limited: `rate` requests in a time, `inflight` requests under way at a time.',
    ),
    max: key(
      integer(1, MAX_COUNT),
      { type: 'int', required: true },
      'How many requests each client may send in `interval`, or have under way. One more is answered with 429.',
    ),
    interval: key(
      duration({ min: 1, reason: 'requests in no time cannot be counted' }),
      { type: 'Duration', default: '10s' },
      'The time in which `max` requests are admitted; only for `rate`.',
    ),
    tag: key(
      oneOf(['ip', 'header', 'cookie', 'query']),
      { type: '`ip`, `header`, `cookie`, `query`', default: 'ip' },
      'What tells clients apart: the address of the client behind `trusted_proxies`, or the value of a header field, a cookie or a query parameter. A request without that value is not limited.',
    ),
    key: key(
      text('the name of a header field, a cookie or a query parameter'),
      { type: 'string' },
      'Name of the header field, cookie or query parameter; required for these, and without effect for `ip`.',
    ),
    algorithm: key(
      oneOf(['window', 'gcra']),
      { type: '`window`, `gcra`', default: 'window' },
      'How a rate is judged. `window`: a sliding window, estimated from the running interval and the one before. `gcra`: a bucket that holds `burst` requests and gets `max` new ones, evenly spread, each `interval`.',
    ),
    burst: key(
      integer(1, MAX_COUNT),
      { type: 'int', default: '`max`' },
      'How many requests may come at once; only for `gcra`.',
    ),
    weight: key(
      integer(0, 100),
      { type: 'int', default: '50' },
      'Weight of the running interval against the one before, in percent; only for `window`. 50 is a sliding window; 100 forgets the interval before, so that twice `max` may pass around its end; less than 50 lets fewer pass after a busy interval.',
    ),
    step: stepKey(
      ['request', 'proxy_upstream'],
      'When a request counts. `request`: when its route is chosen. `proxy_upstream`: when it is about to be sent to an upstream, so that what is answered without one does not count; attempts count once.',
    ),
  },
  'Limits how many requests a client sends in a time, or has under way: one count for all workers.',
);

export type RawLimit = z.infer<typeof limitSchema>;
