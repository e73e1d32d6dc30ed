import { COLON, FIELD_VALUE, HTAB, SP, TOKEN_LOWER } from './characters.ts';
import { FieldId, fieldIdOf } from './field-names.ts';
import type { WantedNames } from './wanted-names.ts';

/** Names of fields in lower case: a set, or a rule. */
export interface FieldNames {
  has(lowerName: string): boolean;
}

/** Numbers noted for a field line: its id, where its name starts and ends, and where its value starts and ends. */
const STRIDE = 5;
const NAME = 1;
const NAME_END = 2;
const VALUE = 3;
const VALUE_END = 4;

/** Heads of browsers have fewer fields, with few exceptions; the array grows when one has more. */
const INITIAL_CAPACITY = 24;

/** What fields begin with that no parser notes lines in, such as those of answers of our own. */
const NO_NOTES: number[] = [];

/** Set in an id when a line is not written as `name: value`, so that it has to be written anew. */
const IRREGULAR = 0x80;
const ID_BITS = 0x1f;

/**
 * The fields of a message (RFC 9110 §5), in the order received.
 *
 * They stay what they were, one string with offsets into it: a proxy passes nearly all of them on unread, and lines
 * that stand in their canonical form (`name: value CRLF`) are their own serialisation. Changes are marks on lines
 * and text appended at the end. Text is latin1: a character for each byte.
 */
export class Fields {
  /** The text that the offsets point into; lines from other places than a parser are in `extra`. */
  text = '';
  /** Lines noted, removed ones included. */
  count = 0;
  /** A bit for each known id that occurs: `1 << FieldId.host`. Fields appended later are not noted here. */
  present = 0;
  /** A bit for each known id that occurs more than once. */
  repeated = 0;
  /** Where the last line ends in the text. */
  linesEnd = 0;
  /** STRIDE numbers a line. A plain array: a typed one of this size has memory of its own, which costs a connection dear. */
  private notes = NO_NOTES;
  private extra = '';

  /** Fields from pairs, for responses that prox makes itself. The caller vouches for the values: see `isFieldValue`. */
  static of(pairs: Iterable<readonly [string, string]>): Fields {
    const fields = new Fields();
    for (const [name, value] of pairs) fields.append(name, value);
    return fields;
  }

  /** Forgets everything, keeping the arrays for the next message. */
  reset(): void {
    this.text = '';
    this.count = 0;
    this.present = 0;
    this.repeated = 0;
    this.linesEnd = 0;
    this.extra = '';
  }

  /** Fields that begin as these are and change without them, and these without the copy. */
  copy(): Fields {
    const copy = new Fields();
    copy.text = this.text;
    copy.count = this.count;
    copy.present = this.present;
    copy.repeated = this.repeated;
    copy.linesEnd = this.linesEnd;
    copy.notes = this.notes.slice();
    copy.extra = this.extra;
    return copy;
  }

  /** @internal Notes a parsed line; `canonical` when it stands as `name: value CRLF`. The caller moves `linesEnd`. */
  note(id: number, canonical: boolean, nameStart: number, nameEnd: number, valueStart: number, valueEnd: number): void {
    const at = this.count++ * STRIDE;
    if (at === this.notes.length) this.grow();
    if (id !== 0) {
      const bit = 1 << id;
      this.repeated |= this.present & bit;
      this.present |= bit;
    }
    const { notes } = this;
    notes[at] = canonical ? id : id | IRREGULAR;
    notes[at + NAME] = nameStart;
    notes[at + NAME_END] = nameEnd;
    notes[at + VALUE] = valueStart;
    notes[at + VALUE_END] = valueEnd;
  }

  /** The value of the first field with a known id, or null. Looks at received fields only. */
  first(id: FieldId): string | null {
    if ((this.present & (1 << id)) === 0) return null;
    for (let i = 0; i < this.count; i++) {
      if (this.idAt(i) === id) return this.valueAt(i);
    }
    return null;
  }

  /** All values of a known id in one list (RFC 9110 §5.3), or null. Looks at received fields only. */
  list(id: FieldId): string | null {
    if ((this.present & (1 << id)) === 0) return null;
    let list: string | null = null;
    for (let i = 0; i < this.count; i++) {
      if (this.idAt(i) !== id) continue;
      list = list === null ? this.valueAt(i) : `${list}, ${this.valueAt(i)}`;
    }
    return list;
  }

  /** All values of a name (compared without case) in one list, or null when there is none. */
  get(name: string): string | null {
    let list: string | null = null;
    const lower = name.toLowerCase();
    for (const [other, value] of this.entries()) {
      if (other.length === lower.length && other.toLowerCase() === lower) {
        list = list === null ? value : `${list}, ${value}`;
      }
    }
    return list;
  }

  /** Whether there is a field of that name (compared without case). */
  has(name: string): boolean {
    const lower = name.toLowerCase();
    for (let i = 0; i < this.count; i++) {
      const start = this.notes[i * STRIDE + NAME];
      const end = this.notes[i * STRIDE + NAME_END];
      if (end - start === lower.length && this.isNamed(i, lower)) return true;
    }
    const { extra } = this;
    for (let start = 0; start < extra.length; start = extra.indexOf('\n', start) + 1) {
      const end = start + lower.length;
      if (extra.charCodeAt(end) === COLON && extra.slice(start, end).toLowerCase() === lower) return true;
    }
    return false;
  }

  /**
   * What `get` gives for each of several names, in their order, in one walk. Null when there is none of them, for which
   * nothing is allocated.
   */
  listsOf(names: WantedNames): (string | null)[] | null {
    let lists: (string | null)[] | null = null;
    for (let i = 0; i < this.count; i++) {
      const index = names.indexAt(this.text, this.notes[i * STRIDE + NAME], this.notes[i * STRIDE + NAME_END]);
      if (index < 0 || this.idAt(i) === FieldId.removed) continue;
      lists ??= emptyLists(names.size);
      lists[index] = joined(lists[index], this.valueAt(i));
    }
    if (this.extra === '') return lists;
    for (const line of this.extraLines()) {
      const colon = line.indexOf(':');
      const index = names.indexAt(line, 0, colon);
      if (index < 0) continue;
      lists ??= emptyLists(names.size);
      lists[index] = joined(lists[index], line.slice(colon + 2));
    }
    return lists;
  }

  /** Names and values as they will be written, in order. */
  *entries(): Generator<[name: string, value: string]> {
    for (let i = 0; i < this.count; i++) {
      if (this.idAt(i) !== FieldId.removed) yield [this.nameAt(i), this.valueAt(i)];
    }
    for (const line of this.extraLines()) {
      const colon = line.indexOf(':');
      yield [line.slice(0, colon), line.slice(colon + 2)];
    }
  }

  /**
   * What `entries` gives, in one flat list of names and values, less the lines whose id is in the drop table: for those
   * who make something else of a whole field section.
   */
  pairs(drop: Uint8Array): string[] {
    const pairs: string[] = [];
    for (let i = 0; i < this.count; i++) {
      if (drop[this.idAt(i)] === 0) pairs.push(this.nameAt(i), this.valueAt(i));
    }
    for (const line of this.extraLines()) {
      const colon = line.indexOf(':');
      const name = line.slice(0, colon);
      if (drop[fieldIdOf(name)] === 0) pairs.push(name, line.slice(colon + 2));
    }
    return pairs;
  }

  /** Whether the name of a received field holds that character. Most heads do not hold it at all, which costs one look. */
  namesHold(character: string): boolean {
    let at = this.text.indexOf(character);
    for (let i = 0; at >= 0 && i < this.count; i++) {
      const start = this.notes[i * STRIDE + NAME];
      if (at < start) at = this.text.indexOf(character, start);
      if (at >= start && at < this.notes[i * STRIDE + NAME_END]) return true;
    }
    return false;
  }

  /** Removes every field of that name (compared without case). */
  remove(name: string): void {
    const lower = name.toLowerCase();
    for (let i = 0; i < this.count; i++) {
      const at = i * STRIDE;
      const length = this.notes[at + NAME_END] - this.notes[at + NAME];
      if (length === lower.length && this.nameAt(i).toLowerCase() === lower) this.removeAt(i);
    }
    if (this.extra !== '') this.extra = this.extraWithout(new Set([lower]));
  }

  /** Removes every field of these names, which are in lower case, in one walk over the fields. */
  removeAll(lowerNames: FieldNames): void {
    for (let i = 0; i < this.count; i++) {
      if (lowerNames.has(this.nameAt(i).toLowerCase())) this.removeAt(i);
    }
    if (this.extra !== '') this.extra = this.extraWithout(lowerNames);
  }

  /** Adds a field at the end. @throws TypeError when name or value would break the message. */
  append(name: string, value: string): void {
    if (!isToken(name)) throw new TypeError(`not a field name: ${JSON.stringify(name)}`);
    if (!isFieldValue(value)) throw new TypeError(`not a value for the field ${name}: ${JSON.stringify(value)}`);
    this.extra += `${name}: ${value}\r\n`;
  }

  /** Adds lines that were checked when they were made, each ended by CRLF. */
  appendLines(lines: string): void {
    this.extra += lines;
  }

  /** Replaces all fields of that name by one. @throws TypeError as `append` does. */
  set(name: string, value: string): void {
    this.remove(name);
    this.append(name, value);
  }

  /**
   * The field section as it is sent, without the empty line: every line whose id is not in the drop table. Runs of
   * lines that stand in canonical form are taken as one slice, as their serialisation is what was received.
   * @param omit further names to leave out, in lower case; null for none, which spares the look at every name
   */
  lines(drop: Uint8Array, omit: FieldNames | null = null): string {
    const { notes } = this;
    let out = '';
    let runStart = -1;
    for (let i = 0; i < this.count; i++) {
      const id = notes[i * STRIDE];
      const dropped = drop[id & ID_BITS] === 1 || (omit !== null && omit.has(this.nameAt(i).toLowerCase()));
      if (!dropped && id < IRREGULAR) {
        if (runStart < 0) runStart = notes[i * STRIDE + NAME];
        continue;
      }
      if (runStart >= 0) {
        out += this.text.slice(runStart, notes[i * STRIDE + NAME]);
        runStart = -1;
      }
      if (!dropped) out += `${this.nameAt(i)}: ${this.valueAt(i)}\r\n`;
    }
    if (runStart >= 0) out += this.text.slice(runStart, this.linesEnd);
    return out + (omit === null ? this.extra : this.extraWithout(omit));
  }

  /** All fields of a name go together, so that no field with its id is left. */
  private removeAt(index: number): void {
    const id = this.idAt(index);
    this.notes[index * STRIDE] = FieldId.removed;
    if (id === FieldId.other || id === FieldId.removed) return;
    this.present &= ~(1 << id);
    this.repeated &= ~(1 << id);
  }

  private extraWithout(lowerNames: FieldNames): string {
    const kept = this.extraLines().filter((line) => !lowerNames.has(line.slice(0, line.indexOf(':')).toLowerCase()));
    return kept.map((line) => `${line}\r\n`).join('');
  }

  private isNamed(index: number, lower: string): boolean {
    return this.idAt(index) !== FieldId.removed && this.nameAt(index).toLowerCase() === lower;
  }

  private idAt(index: number): number {
    return this.notes[index * STRIDE] & ID_BITS;
  }

  private nameAt(index: number): string {
    const at = index * STRIDE;
    return this.text.slice(this.notes[at + NAME], this.notes[at + NAME_END]);
  }

  private valueAt(index: number): string {
    const at = index * STRIDE;
    return this.text.slice(this.notes[at + VALUE], this.notes[at + VALUE_END]);
  }

  private extraLines(): string[] {
    return this.extra === '' ? [] : this.extra.slice(0, -2).split('\r\n');
  }

  private grow(): void {
    const notes = new Array<number>(Math.max(INITIAL_CAPACITY * STRIDE, this.notes.length * 2)).fill(0);
    this.notes.forEach((number, index) => (notes[index] = number));
    this.notes = notes;
  }
}

function emptyLists(size: number): (string | null)[] {
  return Array.from({ length: size }, () => null);
}

/** Several values of a name are one list (RFC 9110 §5.3). */
function joined(list: string | null, value: string): string {
  return list === null ? value : `${list}, ${value}`;
}

/** Whether the text is a token (RFC 9110 §5.6.2), as field names and methods have to be. */
export function isToken(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0xff || TOKEN_LOWER[code] === 0) return false;
  }
  return text.length > 0;
}

/** Whether the text may stand as a field value (RFC 9110 §5.5): latin1, no control characters, no white space around it. */
export function isFieldValue(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0xff || FIELD_VALUE[code] === 0) return false;
  }
  const last = text.length - 1;
  return text.length === 0 || (!isBlank(text.charCodeAt(0)) && !isBlank(text.charCodeAt(last)));
}

function isBlank(code: number): boolean {
  return code === SP || code === HTAB;
}
