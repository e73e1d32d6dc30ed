import { type DropTable, ID_BITS, isDropped, SET_HERE } from './drop-table.ts';
import { type FieldBits, FieldId, fieldIdOf, FIRST_WITHOUT_BIT } from './field-names.ts';
import { checkFieldLine } from './field-syntax.ts';
import { joinedValues } from './joined-values.ts';
import type { WantedNames } from './wanted-names.ts';

/** Names of fields in lower case: a set, or a rule. */
export interface FieldNames {
  has(lowerName: string): boolean;
}

/** Numbers stored for a line: its id and flags, start and end of its name, start and end of its value. */
const STRIDE = 5;
const NAME = 1;
const NAME_END = 2;
const VALUE = 3;
const VALUE_END = 4;

/** Initial room for received lines. Nearly all heads of browsers have fewer; for the others the array grows. */
const RECEIVED_CAPACITY = 24;
/** The same for fields that begin with a line that prox has set, such as those of prox's own answers. */
const OWN_CAPACITY = 4;

/** The notes of fields without lines. */
const NO_NOTES: number[] = [];

/** Set in the note of a line that does not stand as `name: value CRLF` in the text: the writer has to build it. */
const IRREGULAR = 0x200;

/**
 * The fields of a message (RFC 9110 §5), in order.
 *
 * They are one string with offsets into it: a proxy passes nearly all of them on without reading them, and a line in
 * canonical form (`name: value CRLF`) is its own serialisation. An added line goes to the end of the same text. It is
 * checked when it is added; all methods treat it like a received line. Text is latin1: one character for each byte.
 */
export class Fields {
  /** The text that the offsets point into. It holds all lines without gaps, up to `linesEnd`. */
  text = '';
  /** Number of lines, removed ones included. */
  count = 0;
  /** Position in the text behind the last line. */
  linesEnd = 0;
  /** True if a line was set, renamed or removed: the fields differ from the received ones. */
  edited = false;
  /** A bit for each id that occurs. */
  private present: FieldBits = 0;
  /** A bit for each id that occurs more than once. */
  private repeated: FieldBits = 0;
  /** STRIDE numbers for each line. A plain array, because a typed one of this size takes more memory for each connection. */
  private notes = NO_NOTES;
  /** True if other fields use the same notes: the notes have to be copied before a change. */
  private shared = false;

  /** Fields from pairs, for messages that prox makes itself. @throws TypeError as `append` does */
  static of(pairs: Iterable<readonly [string, string]>): Fields {
    const fields = new Fields();
    for (const [name, value] of pairs) fields.append(name, value);
    return fields;
  }

  /** Removes all lines and keeps the memory for the next message. Copies keep their lines. */
  reset(): void {
    this.text = '';
    this.count = 0;
    this.linesEnd = 0;
    this.edited = false;
    this.present = 0;
    this.repeated = 0;
    if (!this.shared) return;
    this.notes = NO_NOTES;
    this.shared = false;
  }

  /** A copy. A change of one does not appear in the other; memory is copied only before the first change. */
  copy(): Fields {
    const copy = new Fields();
    copy.text = this.text;
    copy.count = this.count;
    copy.linesEnd = this.linesEnd;
    copy.edited = this.edited;
    copy.present = this.present;
    copy.repeated = this.repeated;
    copy.notes = this.notes;
    copy.shared = this.shared = true;
    return copy;
  }

  /**
   * @internal Adds a parsed line; `canonical` if it stands as `name: value CRLF`. The caller moves `linesEnd`, and adds no
   * more lines after it has given the fields to other code.
   */
  note(id: number, canonical: boolean, nameStart: number, nameEnd: number, valueStart: number, valueEnd: number): void {
    const at = this.count++ * STRIDE;
    if (at === this.notes.length) this.grow(RECEIVED_CAPACITY);
    if (id !== FieldId.other && id < FIRST_WITHOUT_BIT) {
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

  // ── looking ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** Whether there is a field with a known id. */
  holds(id: FieldId): boolean {
    return id < FIRST_WITHOUT_BIT ? (this.present & (1 << id)) !== 0 : this.find(id, 0) >= 0;
  }

  /** Whether there is a field with one of several ids. */
  holdsAny(ids: FieldBits): boolean {
    return (this.present & ids) !== 0;
  }

  /** Whether there is more than one field with a known id. */
  repeats(id: FieldId): boolean {
    if (id < FIRST_WITHOUT_BIT) return (this.repeated & (1 << id)) !== 0;
    const first = this.find(id, 0);
    return first >= 0 && this.find(id, first + 1) >= 0;
  }

  /** Whether prox has set a field with a known id, by append, set or rename. */
  wasSet(id: FieldId): boolean {
    if (!this.edited) return false;
    for (let i = this.find(id, 0); i >= 0; i = this.find(id, i + 1)) {
      if ((this.notes[i * STRIDE] & SET_HERE) !== 0) return true;
    }
    return false;
  }

  /** The value of the first field with a known id, or null. */
  first(id: FieldId): string | null {
    return this.holds(id) ? this.valueAt(this.find(id, 0)) : null;
  }

  /** All values of a known id in one list (RFC 9110 §5.3), or null. */
  list(id: FieldId): string | null {
    if (!this.holds(id)) return null;
    let list: string | null = null;
    for (let i = 0; i < this.count; i++) {
      if (this.idAt(i) === id) list = joined(list, this.valueAt(i));
    }
    return list;
  }

  /** All values of a name (compared without case) in one list, or null when there is none. */
  get(name: string): string | null {
    const lower = name.toLowerCase();
    let list: string | null = null;
    for (let i = 0; i < this.count; i++) {
      if (this.isNamed(i, lower)) list = joined(list, this.valueAt(i));
    }
    return list;
  }

  /** Whether there is a field of that name (compared without case). */
  has(name: string): boolean {
    const lower = name.toLowerCase();
    for (let i = 0; i < this.count; i++) {
      if (this.isNamed(i, lower)) return true;
    }
    return false;
  }

  /**
   * The result of `get` for each of several names, in their order, in one walk. Null if none of them occurs; then nothing is
   * allocated.
   */
  listsOf(names: WantedNames): (string | null)[] | null {
    let lists: (string | null)[] | null = null;
    for (let i = 0; i < this.count; i++) {
      const index = names.indexAt(this.text, this.notes[i * STRIDE + NAME], this.notes[i * STRIDE + NAME_END]);
      if (index < 0 || this.idAt(i) === FieldId.removed) continue;
      lists ??= emptyLists(names.size);
      lists[index] = joined(lists[index], this.valueAt(i));
    }
    return lists;
  }

  /** Names and values as they will be written, in order. */
  *entries(): Generator<[name: string, value: string]> {
    for (let i = 0; i < this.count; i++) {
      if (this.idAt(i) !== FieldId.removed) yield [this.nameAt(i), this.valueAt(i)];
    }
  }

  /** Whether a name holds that character. One search in the text rules out most heads, which do not hold it at all. */
  namesHold(character: string): boolean {
    let at = this.text.indexOf(character);
    for (let i = 0; at >= 0 && i < this.count; i++) {
      const start = this.notes[i * STRIDE + NAME];
      if (at < start) at = this.text.indexOf(character, start);
      if (at >= start && at < this.notes[i * STRIDE + NAME_END]) return true;
    }
    return false;
  }

  // ── changing ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** Adds a field at the end. @throws TypeError when name or value would break the message. */
  append(name: string, value: string): void {
    checkFieldLine(name, value);
    this.add(name, value, SET_HERE);
  }

  /** Replaces all fields of that name by one at the end. @throws TypeError as `append` does. */
  set(name: string, value: string): void {
    checkFieldLine(name, value);
    this.remove(name);
    this.add(name, value, SET_HERE);
  }

  /**
   * Gives all fields of a name (compared without case) a new name. Each keeps its value and its place, and counts as set by
   * prox. Fields that already have the new name stay.
   * @throws TypeError if the new name is not a field name
   */
  rename(name: string, to: string): void {
    checkFieldLine(to, '');
    if (!this.has(name)) return;
    const lower = name.toLowerCase();
    // The lines have no gaps, so a longer name does not fit into the old place.
    const renamed = new Fields();
    for (let i = 0; i < this.count; i++) {
      if (this.isNamed(i, lower)) renamed.add(to, this.valueAt(i), SET_HERE);
      else if (this.idAt(i) !== FieldId.removed)
        renamed.add(this.nameAt(i), this.valueAt(i), this.notes[i * STRIDE] & SET_HERE);
    }
    this.text = renamed.text;
    this.count = renamed.count;
    this.linesEnd = renamed.linesEnd;
    this.edited = true;
    this.present = renamed.present;
    this.repeated = renamed.repeated;
    this.notes = renamed.notes;
    this.shared = false;
  }

  /** Removes every field of that name (compared without case). */
  remove(name: string): void {
    const lower = name.toLowerCase();
    for (let i = 0; i < this.count; i++) {
      if (this.isNamed(i, lower)) this.removeAt(i);
    }
  }

  /** Removes every field of these names, which are in lower case, in one walk over the fields. */
  removeAll(lowerNames: FieldNames): void {
    for (let i = 0; i < this.count; i++) {
      if (this.idAt(i) !== FieldId.removed && lowerNames.has(this.nameAt(i).toLowerCase())) this.removeAt(i);
    }
  }

  // ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * The field section to send, without the empty line: every line that the drop table does not leave out. A run of lines in
   * canonical form is one slice of the text.
   * @param omit further names to leave out, in lower case; null for none, which saves comparing every name
   */
  lines(drop: DropTable, omit: FieldNames | null = null): string {
    const { notes } = this;
    let out = '';
    let runStart = -1;
    for (let i = 0; i < this.count; i++) {
      const note = notes[i * STRIDE];
      const dropped = isDropped(drop, note) || (omit !== null && omit.has(this.nameAt(i).toLowerCase()));
      if (!dropped && note < IRREGULAR) {
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
    return out;
  }

  /** The lines that `lines` writes, as a flat list of names and values: for HTTP/2, which does not send text. */
  pairs(drop: DropTable): string[] {
    const pairs: string[] = [];
    for (let i = 0; i < this.count; i++) {
      if (!isDropped(drop, this.notes[i * STRIDE])) pairs.push(this.nameAt(i), this.valueAt(i));
    }
    return pairs;
  }

  // ── within ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** Adds a line that was checked. @param flags SET_HERE or 0 */
  private add(name: string, value: string, flags: number): void {
    this.ownNotes();
    const { linesEnd } = this;
    const line = `${name}: ${value}\r\n`;
    // A received head has an empty line behind its last line.
    this.text = (linesEnd === this.text.length ? this.text : this.text.slice(0, linesEnd)) + line;
    const at = this.count * STRIDE;
    if (at === this.notes.length) this.grow(OWN_CAPACITY);
    const nameEnd = linesEnd + name.length;
    this.note(fieldIdOf(name), true, linesEnd, nameEnd, nameEnd + 2, nameEnd + 2 + value.length);
    this.notes[at] |= flags;
    this.linesEnd = linesEnd + line.length;
    this.edited = true;
  }

  /** Removes one line and clears the bit of its id: callers remove all lines of a name together. */
  private removeAt(index: number): void {
    this.ownNotes();
    this.edited = true;
    const id = this.idAt(index);
    this.notes[index * STRIDE] = FieldId.removed;
    if (id === FieldId.other || id >= FIRST_WITHOUT_BIT) return;
    this.present &= ~(1 << id);
    this.repeated &= ~(1 << id);
  }

  /** The first line with that id from an index on; -1 when there is none. */
  private find(id: FieldId, from: number): number {
    for (let i = from; i < this.count; i++) {
      if (this.idAt(i) === id) return i;
    }
    return -1;
  }

  private isNamed(index: number, lower: string): boolean {
    const at = index * STRIDE;
    const length = this.notes[at + NAME_END] - this.notes[at + NAME];
    return (
      length === lower.length && this.idAt(index) !== FieldId.removed && this.nameAt(index).toLowerCase() === lower
    );
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

  private ownNotes(): void {
    if (!this.shared) return;
    this.notes = this.notes.slice();
    this.shared = false;
  }

  private grow(atLeast: number): void {
    const notes = new Array<number>(Math.max(atLeast * STRIDE, this.notes.length * 2)).fill(0);
    this.notes.forEach((number, index) => (notes[index] = number));
    this.notes = notes;
  }
}

function emptyLists(size: number): (string | null)[] {
  return Array.from({ length: size }, () => null);
}

/** Several values of a name are one list (RFC 9110 §5.3). */
function joined(list: string | null, value: string): string {
  return list === null ? value : joinedValues(list, value);
}
