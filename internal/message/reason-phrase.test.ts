import { STATUS_CODES } from 'node:http';
import { describe, expect, it } from 'vitest';
import { isReasonPhrase, reasonPhrase } from './reason-phrase.ts';

/** Statuses that RFC 9110 has renamed; Node keeps the phrases of RFC 7231. */
const RENAMED: Readonly<Record<number, string>> = { 413: 'Content Too Large', 422: 'Unprocessable Content' };

/** What Node knows and the registry of IANA does not: a draft that has expired. */
const UNREGISTERED: ReadonlySet<number> = new Set([509]);

const known = Object.entries(STATUS_CODES).map(([status, phrase]) => [Number(status), phrase] as const);

describe('reasonPhrase', () => {
  it.each(known.filter(([status]) => !UNREGISTERED.has(status)))('of %d is %s', (status, phrase) => {
    expect(reasonPhrase(status)).toBe(RENAMED[status] ?? phrase);
  });

  it.each([...UNREGISTERED, 306, 299, 499, 599])('of %d, which is not registered, is empty', (status) => {
    expect(reasonPhrase(status)).toBe('');
  });
});

describe('isReasonPhrase', () => {
  it.each(['', 'OK', 'a\tb', ' a ', '\xe4'])('takes %j', (text) => expect(isReasonPhrase(text)).toBe(true));
  it.each(['a\r\n', 'a\nb', '\0', '\x7f', '\u010d'])('takes no %j', (text) => expect(isReasonPhrase(text)).toBe(false));
});
