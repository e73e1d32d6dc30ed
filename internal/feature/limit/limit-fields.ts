import type { Fields } from '../../message/index.ts';
import type { KeyLease } from './key-lease.ts';
import type { CountRule } from './limit-messages.ts';

/** Adds the fields that describe the limit to the client (draft-ietf-httpapi-ratelimit-headers-10). */
export class LimitFields {
  private readonly policy: string;
  private readonly name: string;

  /** @param name of the plugin; it becomes the name of the policy */
  constructor(name: string, rule: CountRule) {
    this.name = structuredString(name);
    this.policy = `${this.name};q=${rule.max}${rule.type === 'inflight' ? ';qu="concurrent-requests"' : windowOf(rule.interval)}`;
  }

  /** @param now time of the clock that the entry uses */
  append(fields: Fields, entry: KeyLease, now: number): void {
    const left = entry.left + entry.held;
    const until = left > 0 ? entry.resetAt : entry.freeAt;
    fields.append('RateLimit-Policy', this.policy);
    fields.append('RateLimit', `${this.name};r=${left}${until > now ? `;t=${seconds(until - now)}` : ''}`);
  }
}

/** Whole seconds for Retry-After (RFC 9110 §10.2.3), rounded up, at least 1. */
export function seconds(milliseconds: number): number {
  return Math.max(1, Math.ceil(milliseconds / 1000));
}

/** The parameter for the window, which has whole seconds; empty for other windows. */
function windowOf(interval: number): string {
  return interval % 1000 === 0 ? `;w=${interval / 1000}` : '';
}

/** A string of RFC 9651 §3.3.3: visible ASCII and spaces only. */
function structuredString(text: string): string {
  return `"${text.replace(/[^\x20-\x7e]/g, '?').replace(/["\\]/g, '\\$&')}"`;
}
