import { FIELD_VALUE, HTAB, SP, TOKEN_LOWER } from '../message/index.ts';

const DQUOTE = 0x22;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const BACKSLASH = 0x5c;

/**
 * chunk-ext = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] ) (RFC 9112 §7.1.1), where a value is a
 * token or a quoted-string (RFC 9110 §5.6.4). prox skips extensions and never forwards them, but reads them strictly: bytes
 * that a peer reads as the inside of a quoted string must not end a line here.
 *
 *                ";"             tchar          "="               tchar
 *      blank ──────> nameStart ──────> name ────────> valueStart ───────> value
 *        ^                              │ BWS  "="    ^    │ DQUOTE         │ BWS
 *        │                              v             │    v                v
 *        │                         nameBlank ─────────┘  quoted ──> end   blank
 *        └─── BWS ──────────────────────────────────────────────────┘
 *
 * A ";" leads from name, nameBlank, value and end to nameStart. The line may end in name, value and end.
 */
export const Extension = {
  blank: 0,
  nameStart: 1,
  name: 2,
  nameBlank: 3,
  valueStart: 4,
  value: 5,
  quoted: 6,
  escaped: 7,
  end: 8,
} as const;
export type Extension = (typeof Extension)[keyof typeof Extension];

/** The state after a byte, or -1 if the byte is not allowed. Callers do not pass CR: see `mayEnd`. */
export function stepExtension(state: Extension, byte: number): Extension | -1 {
  if (state === Extension.quoted) {
    if (byte === DQUOTE) return Extension.end;
    if (byte === BACKSLASH) return Extension.escaped;
    return FIELD_VALUE[byte] === 1 ? Extension.quoted : -1;
  }
  if (state === Extension.escaped) return FIELD_VALUE[byte] === 1 ? Extension.quoted : -1;
  if (TOKEN_LOWER[byte] !== 0) return stepToken(state);
  if (byte === SP || byte === HTAB) return stepBlank(state);
  if (byte === SEMICOLON)
    return state === Extension.nameStart || state === Extension.valueStart ? -1 : Extension.nameStart;
  if (byte === EQUALS) return state === Extension.name || state === Extension.nameBlank ? Extension.valueStart : -1;
  return byte === DQUOTE && state === Extension.valueStart ? Extension.quoted : -1;
}

/** Whether the CR of the line may come in this state. */
export function mayEnd(state: Extension): boolean {
  return state === Extension.name || state === Extension.value || state === Extension.end;
}

function stepToken(state: Extension): Extension | -1 {
  if (state === Extension.name || state === Extension.nameStart) return Extension.name;
  return state === Extension.value || state === Extension.valueStart ? Extension.value : -1;
}

/** Bad white space, which recipients have to accept (RFC 9110 §5.6.3). */
function stepBlank(state: Extension): Extension {
  if (state === Extension.name) return Extension.nameBlank;
  return state === Extension.value || state === Extension.end ? Extension.blank : state;
}
