import { ProxyError } from '../base/index.ts';
import { type LabelPattern, type ParsedDomain, splitDomainPattern } from '../config/index.ts';

/**
 * A DNS name has at most 255 octets (RFC 1035 §2.3.4). A longer host matches no domain, and is not split into labels.
 */
export const MAX_HOST_LENGTH = 255;

/** The parts of a host that the wildcards of a pattern matched. */
export interface DomainCaptures {
  /** The labels that each `*` matched, from left to right, joined with `.`: `{match.domain}`. Empty without a `*`. */
  readonly domain: string;
  /** The part that `**` matched: `{match.glob}`. Empty without a `**`. */
  readonly glob: string;
}

/** A compiled domain pattern. Hosts must be in the form of normalizeHost. */
export interface DomainPattern {
  /** The pattern from the config, in lower case. */
  readonly pattern: string;
  matches(host: string): boolean;
  /**
   * Returns null if the host does not match. This splits the host, so it is meant for templates and not for routing.
   */
  captures(host: string): DomainCaptures | null;
}

/** Compiles a domain pattern (docs/config.md). Throws ProxyError `internal` if it breaks the rules for patterns. */
export function compileDomain(pattern: string): DomainPattern {
  const lower = pattern.toLowerCase();
  if (!lower.includes('*')) return new ExactDomain(lower);
  return new WildcardDomain(lower, parseDomain(lower, new Map()));
}

/** As `splitDomainPattern`. Throws ProxyError `internal` if the pattern breaks the rules. */
export function parseDomain(pattern: string, memo: Map<string, LabelPattern>): ParsedDomain {
  const parsed = splitDomainPattern(pattern, memo);
  if (parsed === null) throw new ProxyError('internal', `The domain pattern \`${pattern}\` is malformed`);
  return parsed;
}

class ExactDomain implements DomainPattern {
  readonly pattern: string;

  constructor(pattern: string) {
    this.pattern = pattern;
  }

  matches(host: string): boolean {
    return host === this.pattern && host.length <= MAX_HOST_LENGTH;
  }

  captures(host: string): DomainCaptures | null {
    return this.matches(host) ? { domain: '', glob: '' } : null;
  }
}

class WildcardDomain implements DomainPattern {
  readonly pattern: string;
  readonly #parsed: ParsedDomain;

  constructor(pattern: string, parsed: ParsedDomain) {
    this.pattern = pattern;
    this.#parsed = parsed;
  }

  matches(host: string): boolean {
    return this.captures(host) !== null;
  }

  captures(host: string): DomainCaptures | null {
    if (host.length > MAX_HOST_LENGTH) return null;
    const { labels, open } = this.#parsed;
    const names = host.split('.');
    if (open ? names.length <= labels.length : names.length !== labels.length) return null;
    if (names.includes('')) return null;
    const stars: string[] = [];
    for (const [i, label] of labels.entries()) {
      const name = names[i];
      if (label.kind === 'text') {
        if (name !== label.text) return null;
      } else if (label.kind === 'star') {
        stars.push(name);
      } else {
        if (!affixMatches(label.prefix, label.suffix, name)) return null;
        stars.push(name.slice(label.prefix.length, name.length - label.suffix.length));
      }
    }
    return { domain: stars.join('.'), glob: open ? names.slice(labels.length).join('.') : '' };
  }
}

function affixMatches(prefix: string, suffix: string, name: string): boolean {
  return name.length >= prefix.length + suffix.length && name.startsWith(prefix) && name.endsWith(suffix);
}

/**
 * Whether a host can match both patterns, for example a name of a certificate (`*.example.com`) and the domain of a
 * route.
 */
export function domainsMeet(one: string, other: string): boolean {
  const memo = new Map<string, LabelPattern>();
  const a = parseDomain(one.toLowerCase(), memo);
  const b = parseDomain(other.toLowerCase(), memo);
  const least = Math.min(a.labels.length, b.labels.length);
  if (a.labels.length !== b.labels.length && !(a.labels.length > b.labels.length ? b : a).open) return false;
  // An open pattern stands for at least one more label.
  if (a.labels.length === b.labels.length && a.open !== b.open) return false;
  return a.labels.slice(0, least).every((label, i) => labelsMeet(label, b.labels[i]));
}

function labelsMeet(a: LabelPattern, b: LabelPattern): boolean {
  if (a.kind === 'star' || b.kind === 'star') return true;
  if (a.kind === 'text') return b.kind === 'text' ? a.text === b.text : affixMatches(b.prefix, b.suffix, a.text);
  if (b.kind === 'text') return affixMatches(a.prefix, a.suffix, b.text);
  const prefixes = a.prefix.startsWith(b.prefix) || b.prefix.startsWith(a.prefix);
  return prefixes && (a.suffix.endsWith(b.suffix) || b.suffix.endsWith(a.suffix));
}
