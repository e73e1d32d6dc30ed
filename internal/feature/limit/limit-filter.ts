import { Answer, type Exchange, type Filter, Run, type Slot, type Verdict } from '../../exchange/index.ts';
import { Fields } from '../../message/index.ts';
import { Claim, type KeyLease } from './key-lease.ts';
import { LimitFields, seconds } from './limit-fields.ts';
import { compileLimitKey, type LimitKey, type LimitTag } from './limit-key.ts';
import type { LimitLeases } from './limit-leases.ts';
import type { CountRule } from './limit-messages.ts';

/** Milliseconds that a request waits for the supervisor at most. It may need two asks, each of which fails after 1 s. */
const RUN_TIMEOUT = 3000;

/** A checked limit. */
export interface LimitConfig {
  readonly tag: LimitTag;
  readonly rule: CountRule;
  /** `proxy_upstream` counts only requests that are sent to an upstream, each of them once. */
  readonly step: 'request' | 'proxy_upstream';
}

/** The parts that a limit needs. */
export interface LimitParts {
  /** Name of the plugin. */
  readonly name: string;
  slot<T>(): Slot<T>;
  readonly leases: LimitLeases;
  /** The clock of the leases, in milliseconds. */
  readonly now: () => number;
}

/** The filter of a limit, with only the phases that it needs. */
export function limitFilter(config: LimitConfig, parts: LimitParts): Filter {
  const limit = new Limit(config, parts);
  const onResponse: Filter['onResponse'] = (exchange, response) => limit.describe(exchange, response.fields);
  const charge = (exchange: Exchange): Verdict => limit.charge(exchange);
  const filter: Filter =
    config.step === 'request' ? { onRequest: charge, onResponse } : { onUpstreamRequest: charge, onResponse };
  if (config.rule.type === 'rate') return filter;
  return { ...filter, onEnd: (exchange) => limit.release(exchange) };
}

class Limit {
  private readonly keyOf: LimitKey;
  private readonly leases: LimitLeases;
  private readonly fields: LimitFields;
  private readonly now: () => number;
  /** The text of the answer to a refused request. */
  private readonly text: string;
  private readonly inflight: boolean;
  /** The entry of the key of an exchange that was counted or refused. */
  private readonly entries: Slot<KeyLease>;
  /** The entry that counts a concurrent exchange. */
  private readonly holding: Slot<KeyLease | null>;

  constructor({ tag, rule }: LimitConfig, parts: LimitParts) {
    const { name, leases, now } = parts;
    this.keyOf = compileLimitKey(tag);
    this.leases = leases;
    this.fields = new LimitFields(name, rule);
    this.now = now;
    this.text = `Plugin limit, exceed limit ${rule.max + 1}/${rule.max}`;
    this.inflight = rule.type === 'inflight';
    this.entries = parts.slot();
    this.holding = parts.slot();
  }

  charge(exchange: Exchange): Verdict {
    // This is another attempt of the same request.
    if (this.entries.get(exchange) !== undefined) return null;
    const key = this.keyOf(exchange);
    if (key === '') return null;
    const entry = this.leases.get(key);
    const claim = this.leases.claim(entry);
    if (claim !== Claim.unknown) return this.settle(exchange, entry, claim);
    return new Run(RUN_TIMEOUT, async (signal) => {
      const answer = await this.leases.ask(entry, signal);
      // The exchange is over, so its end will not release the admission.
      if (!signal.aborted) return this.settle(exchange, entry, answer);
      if (answer === Claim.admitted && this.inflight) this.leases.release(entry);
      return null;
    });
  }

  /** Adds the fields that describe the limit. */
  describe(exchange: Exchange, fields: Fields): void {
    const entry = this.entries.get(exchange);
    if (entry !== undefined) this.fields.append(fields, entry, this.now());
  }

  /** The exchange is over. */
  release(exchange: Exchange): void {
    const entry = this.holding.get(exchange) ?? null;
    if (entry === null) return;
    this.holding.set(exchange, null);
    this.leases.release(entry);
  }

  private settle(exchange: Exchange, entry: KeyLease, claim: Claim): Answer | null {
    if (claim === Claim.uncounted) return null;
    this.entries.set(exchange, entry);
    if (claim === Claim.refused) return this.refusal(exchange, entry);
    if (this.inflight) this.holding.set(exchange, entry);
    return null;
  }

  private refusal(exchange: Exchange, entry: KeyLease): Answer {
    const fields = Fields.of([['Cache-Control', 'private, no-cache']]);
    // It is not known when a concurrent request will end.
    if (!this.inflight) fields.append('Retry-After', String(seconds(entry.freeAt - this.now())));
    const json = exchange.requestFields.get('accept')?.includes('json') ?? false;
    fields.append('Content-Type', json ? 'application/problem+json' : 'text/plain; charset=utf-8');
    return new Answer(429, fields, json ? this.problem() : this.text);
  }

  /** Problem details (RFC 9457), for clients that accept JSON. */
  private problem(): string {
    return JSON.stringify({ type: 'about:blank', title: 'Too Many Requests', status: 429, detail: this.text });
  }
}
