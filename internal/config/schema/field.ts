import * as z from 'zod';
import { describeValue, InvalidValue, problemOf } from '../value/invalid-value.ts';
import { type ByteSizeRange, byteSizeInWords, parseByteSize } from '../value/byte-size.ts';
import { parseDuration } from '../value/duration.ts';
import { didYouMean } from '../value/nearest.ts';

/**
 * The bricks of the schema. Every one says in its own error what was found and what is allowed, so that no message of
 * the schema library ever reaches people; and every key says what it means once, in `key`, for validation, for the
 * JSON Schema of editors and for docs/config.md.
 */

/** What the reference shows of a key besides its meaning. */
export interface KeyNotes {
  /** The type in words, as the tables have it. */
  readonly type: string;
  /** The default as people write it; left out for none. */
  readonly default?: string;
  /** A key that must be there. */
  readonly required?: true;
}

/** Notes of every key's schema, for the reference. */
export const keyNotes = z.registry<KeyNotes>();

/** Names a key's type, default and meaning, and makes it optional unless it is required. */
export function key<T extends z.ZodType>(schema: T, notes: KeyNotes & { readonly required: true }, meaning: string): T;
export function key<T extends z.ZodType>(schema: T, notes: KeyNotes, meaning: string): z.ZodOptional<T>;
export function key(schema: z.ZodType, notes: KeyNotes, meaning: string): z.ZodType {
  const described = notes.required
    ? schema.meta({ description: meaning })
    : schema.optional().meta({ description: meaning });
  keyNotes.add(described, notes);
  return described;
}

/** The error of a value of the wrong type, or of one that is missing. */
export function expected(allowed: string) {
  return (issue: { readonly input?: unknown }): string =>
    issue.input === undefined
      ? `is required: expected ${allowed}`
      : `expected ${allowed}, found ${describeValue(issue.input)}`;
}

/** Adds the check of a value's parser to its schema; the parser throws InvalidValue. */
export function parsed<T extends z.ZodType>(schema: T, parse: (value: z.output<T>) => unknown): T {
  return schema.check((context) => {
    const message = problemOf(parse, context.value);
    if (message !== null) context.issues.push({ code: 'custom', input: context.value, message });
  });
}

/** Text of at least one character. */
export function text(allowed: string) {
  return parsed(z.string({ error: expected(allowed) }), (value) => {
    if (value === '') throw new InvalidValue(`expected ${allowed}, found an empty string`);
    if (value.includes('\0')) throw new InvalidValue(`expected ${allowed}, found a string with a NUL character`);
  }).meta({ minLength: 1 });
}

/** Any text, empty as well. */
export function anyText(allowed: string) {
  return z.string({ error: expected(allowed) });
}

export function path(allowed: string) {
  return text(`the path of ${allowed}`);
}

export function flag() {
  return z.boolean({ error: expected('true or false') });
}

/**
 * One of a few words; a slip is met with the nearest.
 * @param explain may have a better message for a wrong value; null for none
 */
export function oneOf<const T extends readonly [string, ...string[]]>(
  words: T,
  explain: (value: unknown) => string | null = () => null,
) {
  const message = expectedWord(words);
  return z.enum(words, { error: (issue) => explain(issue.input) ?? message(issue) });
}

/** One of a few words, in any case. */
export function oneOfInAnyCase(words: readonly [string, ...string[]]) {
  const problem = expectedWord(words);
  return parsed(z.string({ error: problem }), (value) => {
    if (!words.includes(value.toLowerCase())) throw new InvalidValue(problem({ input: value }));
  }).meta({ enum: [...words] });
}

function expectedWord(words: readonly string[]) {
  const listed = words.filter((word) => word !== '').map((word) => `"${word}"`);
  const allowed = listed.length === 1 ? listed[0] : `${listed.slice(0, -1).join(', ')} or ${listed.at(-1)}`;
  return (issue: { readonly input?: unknown }): string => {
    const message = expected(allowed)(issue);
    return typeof issue.input === 'string' ? `${message}${didYouMean(issue.input, words)}` : message;
  };
}

/** A whole number from `min` to `max`. */
export function integer(min: number, max: number, what = 'a whole number') {
  const allowed = `${what} from ${min} to ${max}`;
  return parsed(z.number({ error: expected(allowed) }), (value) => {
    if (!Number.isInteger(value) || value < min || value > max)
      throw new InvalidValue(`expected ${allowed}, found ${value}`);
  }).meta({ type: 'integer', minimum: min, maximum: max });
}

/** A size: a number of bytes, or a text such as "10m". */
export function byteSize(range: ByteSizeRange) {
  const { min, max, zero } = range;
  const union = z.union([z.string(), z.number()], { error: expected(byteSizeInWords(range)) });
  return parsed(union, (value) => parseByteSize(value, range)).meta({
    anyOf: [
      { type: 'string', pattern: String.raw`^ *\d+(\.\d+)? ?([KkMmGg]([Ii]?[Bb])?|[Bb])? *$` },
      { type: 'integer', minimum: zero === true ? 0 : min, maximum: max ?? Number.MAX_SAFE_INTEGER },
    ],
  });
}

/** What a duration may be. */
export interface DurationRange {
  /** Shortest in milliseconds, with the reason that a message gives; 0 is the default. */
  readonly min?: number;
  readonly reason?: string;
}

/** For editors: a text with units, or seconds. */
const DURATION_KINDS = [
  {
    type: 'string',
    pattern: String.raw`^\+?(0|((\d+\.?\d*|\.\d+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h))+)$`,
  },
  { type: 'number', minimum: 0 },
];

/** A Go-style duration or a number of seconds. */
export function duration(range: DurationRange = {}) {
  const allowed = 'a duration such as "30s", "1m30s" or "250ms", or a number of seconds';
  const union = z.union([z.string(), z.number()], { error: expected(allowed) }).meta({ anyOf: DURATION_KINDS });
  return parsed(union, (value) => {
    const ms = parseDuration(value);
    if (ms < (range.min ?? 0)) {
      throw new InvalidValue(
        `expected a duration above 0, found ${describeValue(value)}${range.reason ? `: ${range.reason}` : ''}`,
      );
    }
  });
}

/** A list; `each` names one element. */
export function list<T extends z.ZodType>(element: T, allowed: string) {
  return z.array(element, { error: expected(allowed) });
}

/** An object with exactly these keys. */
export function object<T extends z.core.$ZodLooseShape>(shape: T, allowed: string) {
  return z.strictObject(shape, { error: expected(allowed) });
}

/** An object whose keys are names. */
export function named<T extends z.ZodType>(
  value: T,
  allowed: string,
  checkName: (name: string) => unknown = nameIsFilled,
) {
  return parsedKeys(z.record(z.string(), value, { error: expected(allowed) }), checkName);
}

function nameIsFilled(name: string): void {
  if (name.trim() === '') throw new InvalidValue('expected a name, found an empty one');
  if (/[\0-\x1f\x7f]/.test(name)) throw new InvalidValue('expected a name without control characters');
}

/** Checks every key of an object, whatever its values are; the issue points at the key. */
export function parsedKeys<T extends z.ZodType>(schema: T, checkName: (name: string) => unknown): T {
  return schema.superRefine(
    (value, context) => {
      if (typeof value !== 'object' || value === null) return;
      for (const name of Object.keys(value)) {
        const message = problemOf(checkName, name);
        if (message !== null) context.addIssue({ code: 'custom', path: [name], params: { atKey: true }, message });
      }
    },
    { when: () => true },
  );
}

/** A name of something shared, or the thing itself in place. */
export function nameOr<T extends z.ZodType>(schema: T, allowed: string) {
  return z.union([text(allowed), schema], { error: expected(allowed) });
}

/** `$schema`, which editors look for in every kind of file. */
export const schemaKey = key(
  anyText('the address of the JSON Schema'),
  { type: 'string' },
  'Address of the JSON Schema for editors; prox ignores it.',
);
