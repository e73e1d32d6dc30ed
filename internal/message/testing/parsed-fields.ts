import { fieldIdOf } from '../field-names.ts';
import { Fields } from '../fields.ts';

/** Fields as a parser makes them, from lines without their CRLF: `name: value`, with any white space around the value. */
export function parsedFields(...lines: readonly string[]): Fields {
  const fields = new Fields();
  fields.text = lines.map((line) => `${line}\r\n`).join('');
  let start = 0;
  for (const line of lines) {
    const colon = line.indexOf(':');
    const value = line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, '');
    const valueStart = start + (value === '' ? line.length : line.indexOf(value, colon + 1));
    const canonical = line === `${line.slice(0, colon)}: ${value}`;
    fields.note(
      fieldIdOf(line.slice(0, colon)),
      canonical,
      start,
      start + colon,
      valueStart,
      valueStart + value.length,
    );
    start += line.length + 2;
  }
  fields.linesEnd = fields.text.length;
  return fields;
}
