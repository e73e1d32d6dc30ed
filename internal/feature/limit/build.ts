import { parseDuration, type PluginEntry } from '../../config/index.ts';
import type { LimitConfig } from './limit-filter.ts';
import type { LimitTag } from './limit-key.ts';
import type { CountRule } from './limit-messages.ts';
import type { RawLimit } from './schema.ts';

const DEFAULT_INTERVAL = 10_000;
const DEFAULT_WEIGHT = 50;

export function buildLimit(raw: RawLimit, entry: PluginEntry): LimitConfig | null {
  const tag = tagOf(raw, entry);
  warnOfUseless(raw, entry);
  return tag === null ? null : { tag, rule: ruleOf(raw), step: raw.step ?? 'request' };
}

function ruleOf({ type, max, interval, algorithm, burst, weight }: RawLimit): CountRule {
  if (type === 'inflight') return { type, max };
  return {
    type: 'rate',
    algorithm: algorithm ?? 'window',
    max,
    interval: interval === undefined ? DEFAULT_INTERVAL : parseDuration(interval),
    burst: burst ?? max,
    weight: weight ?? DEFAULT_WEIGHT,
  };
}

function tagOf({ tag = 'ip', key }: RawLimit, entry: PluginEntry): LimitTag | null {
  if (tag === 'ip') {
    if (key !== undefined) entry.warn(['key'], 'has no effect: clients are told apart by their address (`tag: "ip"`)');
    return { by: 'ip' };
  }
  const what = { header: 'header field', cookie: 'cookie', query: 'query parameter' }[tag];
  if (key === undefined) return entry.reportMissing(['key'], `is required: expected the name of the ${what}`);
  if (tag === 'query') return { by: tag, name: key };
  // Names of cookies are tokens, as those of fields are (RFC 6265 §4.1.1).
  if (/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(key)) return { by: tag, name: key };
  return entry.report(['key'], `expected the name of a ${what}, found ${JSON.stringify(key)}`);
}

/** Warns of keys that only another type or algorithm uses. They have no effect in pingap either, so they are no errors. */
function warnOfUseless(raw: RawLimit, entry: PluginEntry): void {
  const { type = 'rate', algorithm = 'window' } = raw;
  const useless: (keyof RawLimit)[] =
    type === 'inflight' ? ['interval', 'algorithm', 'burst', 'weight'] : [algorithm === 'gcra' ? 'weight' : 'burst'];
  const reason = type === 'inflight' ? 'requests under way are counted, not a rate' : `the algorithm is "${algorithm}"`;
  for (const key of useless) if (raw[key] !== undefined) entry.warn([key], `has no effect: ${reason}`);
}
