import * as z from 'zod';
import {
  anyText,
  checkFieldName,
  checkFieldTemplate,
  expandVariable,
  expected,
  InvalidValue,
  integer,
  key,
  list,
  middleware,
  named,
  object,
  oneOf,
  parsed,
  parseStatuses,
  text,
} from '../../config/index.ts';
import { parseType } from './condition.ts';

/** A list in the form of pingap: `Name: value` in each entry. */
function lines(meaning: string) {
  return key(
    list(parsed(text('a field as "Name: value"'), parseLine), 'a list of fields as "Name: value"'),
    { type: 'string[]', default: '[]' },
    meaning,
  );
}

/** Names and values as an object. */
function values(meaning: string) {
  return key(
    named(parsed(anyText('a header value'), parseValue), 'an object of header names and values', checkFieldName),
    { type: 'name → string', default: '{}' },
    meaning,
  );
}

function names(meaning: string) {
  return key(
    list(parsed(text('a header name'), checkFieldName), 'a list of header names'),
    { type: 'string[]', default: '[]' },
    meaning,
  );
}

const oneOrMore = z.union(
  [
    parsed(anyText('a header value'), parseValue),
    list(parsed(anyText('a header value'), parseValue), 'a list of header values'),
  ],
  { error: expected('a header value, or a list of them') },
);

const whenSchema = object(
  {
    status: key(
      parsed(z.union([z.string(), z.number()], { error: expected('statuses such as "2xx,404"') }), parseStatuses),
      { type: 'string', default: 'all' },
      'Statuses and classes of them, separated by commas: `"2xx,404"`.',
    ),
    type: key(
      parsed(text('a media type such as "text/*"'), parseType),
      { type: 'string', default: 'all' },
      'Media types, separated by commas: `"text/html"`, `"text/*"`. Parameters such as `charset` do not matter.',
    ),
  },
  'an object with status and type',
).meta({ id: 'ResponseCondition', description: 'Which responses are changed; all that is named must hold.' });

export const responseHeadersSchema = middleware(
  'response_headers',
  {
    add_headers: lines('Fields to add, as `"Name: value"`; those that are there stay.'),
    add: key(
      named(oneOrMore, 'an object of header names and values', checkFieldName),
      { type: 'name → string or string[]', default: '{}' },
      'As `add_headers`, as an object.',
    ),
    remove_headers: names('Names of fields to remove.'),
    remove: names('As `remove_headers`.'),
    set_headers: lines('Fields to set, in place of those of the same name.'),
    set: values('As `set_headers`, as an object.'),
    set_headers_not_exists: lines('Fields to add where there is none of the same name.'),
    not_exists: values('As `set_headers_not_exists`, as an object.'),
    rename_headers: key(
      list(parsed(text('names as "Old: New"'), parseRename), 'a list of names as "Old: New"'),
      { type: 'string[]', default: '[]' },
      'Names to change, as `"Old: New"`; every field of the old name keeps its value.',
    ),
    rename: key(
      named(parsed(text('a header name'), checkFieldName), 'an object of old and new names', checkFieldName),
      { type: 'name → name', default: '{}' },
      'As `rename_headers`, as an object.',
    ),
    status: key(
      integer(200, 599, 'a status'),
      { type: 'integer', default: 'as it is' },
      'Status to answer with instead, from 200 to 599.',
    ),
    when: key(
      whenSchema,
      { type: 'ResponseCondition', default: 'all responses' },
      'Which responses are changed: `{ status: "2xx,404", type: "text/*" }`. Each is optional; both must hold.',
    ),
    mode: key(
      oneOf(['response', 'upstream']),
      { type: '`response`, `upstream`', default: 'response' },
      '`response`: every answer is changed, those of prox and of other plugins as well. `upstream`: only answers of upstreams are, before anything else sees them.',
    ),
  },
  'Changes the fields and the status of responses.',
);

export type RawResponseHeaders = z.infer<typeof responseHeadersSchema>;

/** A field as "Name: value". @throws InvalidValue */
export function parseLine(line: string): readonly [name: string, value: string] {
  const [name, value] = splitLine(line, 'a field as "Name: value"');
  checkFieldName(name);
  return [name, parseValue(value)];
}

/** A value, with placeholders or as a variable of pingap. @throws InvalidValue */
export function parseValue(value: string): string {
  const template = expandVariable(value);
  checkFieldTemplate(template);
  return template;
}

/** Two names as "Old: New". @throws InvalidValue */
export function parseRename(line: string): readonly [from: string, to: string] {
  const [from, to] = splitLine(line, 'names as "Old: New"');
  checkFieldName(from);
  checkFieldName(to);
  return [from, to];
}

function splitLine(line: string, allowed: string): [string, string] {
  const colon = line.indexOf(':');
  if (colon < 0) throw new InvalidValue(`expected ${allowed}, found ${JSON.stringify(line)}: there is no ":"`);
  return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
}
