import { prettyFactory } from 'pino-pretty';

/**
 * Characters that control a terminal, or that hide or reorder text: control characters, format characters, separators.
 */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** Names of levels, all of the same width so that messages are aligned. */
const LEVEL_NAMES: Readonly<Record<string, string>> = { debug: 'DEBUG', info: 'INFO ', warn: 'WARN ', error: 'ERROR' };
const LEVEL_COLOURS: Readonly<Record<string, number>> = { debug: 34, info: 32, warn: 33, error: 31 };

/**
 * Makes a function that turns a record in the form of a JSON line into a line for people, in local time: `12:00:01.250
 * WARN  cannot reach the upstream {"target":"10.0.0.7:80"}`.
 */
export function prettyFormatter(colour: boolean): (json: string) => string {
  const pretty = prettyFactory({
    colorize: colour,
    translateTime: 'SYS:HH:MM:ss.l',
    singleLine: true,
    // Errors are already plain values; by default pino-pretty would spread these names over several lines.
    errorLikeObjectKeys: [],
    customPrettifiers: {
      time: (time) => text(time).replace(/[[\]]/g, ''),
      level: (level) => levelName(text(level), colour),
    },
  });
  return (json) => {
    const record: unknown = JSON.parse(json);
    return pretty(visible(record)).replace(/: /, ' ');
  };
}

/** pino-pretty passes the text of the record, although its types allow an object. */
function text(value: string | object): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function levelName(level: string, colour: boolean): string {
  const name = LEVEL_NAMES[level] ?? level;
  return colour ? `\u001b[${LEVEL_COLOURS[level] ?? 0}m${name}\u001b[39m` : name;
}

/** The same value with every invisible character escaped, also in keys. */
function visible(value: unknown): unknown {
  if (typeof value === 'string') return value.replace(INVISIBLE, writeOut);
  if (Array.isArray(value)) return value.map(visible);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [visible(key), visible(inner)]));
}

function writeOut(character: string): string {
  if (character === '\n') return '\\n';
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
