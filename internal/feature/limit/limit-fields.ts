import type { Fields } from '../../message/index.ts';
import type { KeyLease } from './key-lease.ts';
import type { CountRule } from './limit-messages.ts';

/** Adds the fields that tell a client of its limit (draft-ietf-httpapi-ratelimit-headers-10). */
export class LimitFields {
  private readonly policy: string;
  private readonly name: string;

  /** @param name of the plugin, which names the policy */
  constructor(name: string, rule: CountRule) {
    this.name = structuredString(name);
    this.policy = `${this.name};q=${rule.max}${rule.type === 'inflight' ? ';qu="concurrent-requests"' : windowOf(rule.interval)}`;
  }

  /** @param now of the clock of the entry */
  append(fields: Fields, entry: KeyLease, now: number): void {
    const left = entry.left + entry.held;
    const until = left > 0 ? entry.resetAt : entry.freeAt;
    fields.append('RateLimit-Policy', this.policy);
    fields.append('RateLimit', `${this.name};r=${left}${until > now ? `;t=${seconds(until - now)}` : ''}`);
  }
}

/** Seconds from now, 1 at least: what Retry-After says (RFC 9110 §10.2.3). */
export function seconds(milliseconds: number): number {
  return Math.max(1, Math.ceil(milliseconds / 1000));
}

/** A window is told in whole seconds, or not at all. */
function windowOf(interval: number): string {
  return interval % 1000 === 0 ? `;w=${interval / 1000}` : '';
}

/** RFC 9651 §3.3.3: visible ASCII and blanks alone. */
function structuredString(text: string): string {
  return `"${text.replace(/[^\x20-\x7e]/g, '?').replace(/["\\]/g, '\\$&')}"`;
}
