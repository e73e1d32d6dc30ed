/** Thrown by the parsers of single values: `message` says what is wrong and what is allowed. */
export class InvalidValue extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'InvalidValue';
  }
}

/** The message of the InvalidValue that a parser throws for a value; null when it throws none. */
export function problemOf<T>(parse: (value: T) => unknown, value: T): string | null {
  try {
    parse(value);
    return null;
  } catch (error) {
    if (error instanceof InvalidValue) return error.message;
    throw error;
  }
}

const SHOWN = 60;

/** A text as messages quote it: escaped, and cut when it is long. */
export function quote(text: string): string {
  return JSON.stringify(text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text);
}

/** What a raw value is, in words: `the number 8080`, `an array`. */
export function describeValue(value: unknown): string {
  if (typeof value === 'string') return `the string ${quote(value)}`;
  if (typeof value === 'number') return `the number ${value}`;
  if (value === null || typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return 'an array';
  return value === undefined ? 'nothing' : 'an object';
}
