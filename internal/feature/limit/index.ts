import type { Feature } from '../../exchange/index.ts';
import { buildLimit } from './build.ts';
import { type LimitConfig, limitFilter } from './limit-filter.ts';
import { superviseLimits } from './limit-keeper.ts';
import { LimitLeases } from './limit-leases.ts';
import { limitSchema, type RawLimit } from './schema.ts';

/** Limits the rate of requests, or the number of concurrent ones, of each client, with one count for all workers. */
export const limit: Feature<RawLimit, LimitConfig> = {
  category: 'limit',
  schema: limitSchema,
  build: buildLimit,
  compile(config, context) {
    const { name, line } = context;
    const now = (): number => performance.now();
    const failed = (error: unknown): void =>
      context.warn(`requests are not counted for a second, as the supervisor does not answer: ${String(error)}`);
    const id = `${name} ${JSON.stringify(config)}`;
    const leases = context.shared(() => new LimitLeases({ id, rule: config.rule, line, now, failed }));
    return limitFilter(config, { name, slot: () => context.slot(), leases, now });
  },
  supervise: superviseLimits,
};
