/** The intended differences from llhttp, Node's own parser, and inputs on which both agree. */
import { VALID_REQUESTS } from './mutations.ts';
import type { Outcome } from './first-request.ts';

type Accepted = Extract<Outcome, { kind: 'accepted' }>;

/** An intended difference from llhttp. */
export interface Difference {
  readonly name: string;
  readonly reason: string;
  /** Versions of llhttp that differ; all when left out. */
  readonly llhttp?: 'below 9.4';
  /** Inputs that show the difference. If none of them shows it any more, its entry has to go. */
  readonly examples: readonly [string, ...string[]];
}

/** prox refuses with one of the codes a message that llhttp accepts. */
interface Stricter extends Difference {
  readonly codes: readonly string[];
  readonly when: (theirs: Accepted, text: string) => boolean;
}

/** prox accepts a message that llhttp refuses with one of its codes. */
interface Looser extends Difference {
  readonly codes: readonly string[];
  readonly when: (ours: Accepted, text: string) => boolean;
}

const CHUNKED_HEAD = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';

function post(field: string, content = '0\r\n\r\n'): string {
  return `POST / HTTP/1.1\r\nHost: a\r\n${field}\r\n\r\n${content}`;
}

function get(target: string, host = 'a'): string {
  return `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
}

function values(fields: Accepted['fields'], name: string): string[] {
  return fields.filter(([other]) => other.toLowerCase() === name).map(([, value]) => value);
}

export const STRICTER: readonly Stricter[] = [
  {
    name: 'empty lines before the request line',
    reason: 'RFC 9112 §2.2 asks for one CRLF to be read over; more of them, or bare CR and LF, are no request.',
    codes: ['bad_start_line'],
    when: (_theirs, text) => /^(?:\r\n[\r\n]|\n|\r[^\n])/.test(text),
    examples: [`\r\n\r\n${get('/')}`, `\n${get('/')}`, `\r${get('/')}`],
  },
  {
    name: 'several spaces in the request line',
    reason: 'RFC 9112 §3: single spaces; a lenient reading of them is a choice that §3 warns of.',
    codes: ['bad_start_line'],
    when: (_theirs, text) => /^[^\r\n]* {2}/.test(text.trimStart()),
    examples: ['GET  / HTTP/1.1\r\nHost: a\r\n\r\n', 'GET /  HTTP/1.1\r\nHost: a\r\n\r\n'],
  },
  {
    name: 'a fragment in the target',
    reason: 'RFC 9110 §7.1: the target URI excludes the fragment.',
    codes: ['bad_target'],
    when: (theirs) => theirs.target.includes('#'),
    examples: [get('/a#b')],
  },
  {
    name: 'no version: HTTP/0.9',
    reason: 'RFC 9112 §3: the version is no option; a line without one ends behind the target.',
    codes: ['bad_start_line'],
    when: ({ minorVersion }, text) => minorVersion === 9 && /^\s*\S+ +\S+\r?\n/.test(text),
    examples: ['GET /\r\nHost: a\r\n\r\n', 'GET /HTTP/1.1\r\nHost: a\r\n\r\n'],
  },
  {
    name: 'HTTP/0.9 and HTTP/2.0',
    reason: 'RFC 9112 §2.3: a major version other than 1 is another protocol (505, RFC 9110 §15.6.6).',
    codes: ['bad_version'],
    when: (_theirs, text) => / HTTP\/(?:0\.9|2\.0)\r\n/.test(text),
    examples: ['GET / HTTP/0.9\r\nHost: a\r\n\r\n', 'GET / HTTP/2.0\r\nHost: a\r\n\r\n'],
  },
  {
    name: 'other protocols',
    reason: 'RFC 9112 §2.3: HTTP-name is HTTP.',
    codes: ['bad_start_line'],
    when: (_theirs, text) => / (?:RTSP|ICE)\/\d\.\d\r\n/.test(text),
    examples: ['GET / RTSP/1.1\r\nHost: a\r\n\r\n', 'SOURCE / ICE/1.1\r\nHost: a\r\n\r\n'],
  },
  {
    name: 'targets of no form that the method allows',
    reason:
      'RFC 9112 §3.2: `*` is for OPTIONS, an authority with its port for CONNECT, other targets are paths or http URIs.',
    codes: ['bad_target'],
    when: ({ method, target }) => method === 'CONNECT' || !/^(?:\/|https?:\/\/)/i.test(target),
    examples: [
      get('*'),
      get('ftp://a/'),
      'CONNECT a HTTP/1.1\r\nHost: a\r\n\r\n',
      'CONNECT /a HTTP/1.1\r\nHost: a\r\n\r\n',
    ],
  },
  {
    name: 'absolute-form with user information, or without a host',
    reason: 'RFC 9110 §4.2.4 and §4.2.1: senders must not, and recipients take it for an attack.',
    codes: ['bad_target'],
    when: ({ target }) => /^https?:\/\/(?:[^/?]*@|[/?:])/i.test(target),
    examples: [get('http://user@a/')],
  },
  {
    name: 'several Host fields',
    reason: 'RFC 9112 §3.2: answered with 400.',
    codes: ['bad_host'],
    when: ({ fields }) => values(fields, 'host').length > 1,
    examples: ['GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n'],
  },
  {
    name: 'Host that is no authority',
    reason: 'RFC 9112 §3.2: an invalid field value is answered with 400; RFC 9110 §4.2.1: an empty host is invalid.',
    codes: ['bad_host'],
    when: ({ fields }) => !/^[\w.-]+(?::\d*)?$/.test(values(fields, 'host')[0] ?? ''),
    examples: [get('/', ''), get('/', 'a/b'), get('/', 'user@a'), get('/', 'a, b')],
  },
  {
    name: 'a coding before chunked',
    reason: 'RFC 9112 §6.1: a server that does not understand a transfer coding answers 501.',
    codes: ['unknown_coding'],
    when: ({ fields }) => /,[ \t]*chunked$/i.test(values(fields, 'transfer-encoding').join(', ')),
    examples: [post('Transfer-Encoding: gzip, chunked')],
  },
  {
    name: 'malformed lists of codings that end with chunked',
    reason:
      'RFC 9112 §6.3 step 4 and §6.1: empty members, parameters and a second chunked are read in more ways than one.',
    codes: ['bad_framing'],
    when: ({ fields, minorVersion }) =>
      minorVersion === 1 && /[^!]chunked$/i.test(values(fields, 'transfer-encoding').join(', ')),
    examples: [post('Transfer-Encoding: ,chunked'), post('Transfer-Encoding: a b, chunked')],
  },
  {
    name: 'an empty Transfer-Encoding',
    reason: 'RFC 9112 §6.3 step 4: without a final chunked the length cannot be found.',
    llhttp: 'below 9.4',
    codes: ['bad_framing'],
    when: ({ fields }) => values(fields, 'transfer-encoding').includes(''),
    examples: [post('Transfer-Encoding:')],
  },
  {
    name: 'Transfer-Encoding in HTTP/1.0',
    reason: 'RFC 9112 §6.1: to be treated as faulty framing.',
    codes: ['bad_framing'],
    when: ({ fields, minorVersion }) => minorVersion === 0 && values(fields, 'transfer-encoding').length > 0,
    examples: ['POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
  },
  {
    name: 'Content-Length of more than 16 digits',
    reason: 'RFC 9112 §6.3: a recipient guards against overflow; leading zeros by the dozen have no other use.',
    codes: ['bad_content_length'],
    when: ({ fields }) => (values(fields, 'content-length')[0] ?? '').length > 16,
    examples: [post('Content-Length: 00000000000000005', 'hello')],
  },
  {
    name: 'chunk sizes of more than 13 digits',
    reason: 'RFC 9112 §7.1: recipients have to guard against overflow of large chunk sizes.',
    codes: ['bad_chunk'],
    when: (_theirs, text) => /\r\n[0-9a-f]{14,}/i.test(text),
    examples: [`${CHUNKED_HEAD}00000000000005\r\nhello\r\n0\r\n\r\n`],
  },
];

export const LOOSER: readonly Looser[] = [
  {
    name: 'methods that llhttp does not know',
    reason: 'RFC 9110 §9.1: methods are any token, and case-sensitive; a proxy passes on those it does not know.',
    codes: ['HPE_INVALID_METHOD'],
    when: ({ method }) => /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}$/.test(method),
    examples: [
      'FOO / HTTP/1.1\r\nHost: a\r\n\r\n',
      'get / HTTP/1.1\r\nHost: a\r\n\r\n',
      'M-SEARCHX / HTTP/1.1\r\nHost: a\r\n\r\n',
    ],
  },
  {
    name: 'minor versions above 1',
    reason: 'RFC 9110 §2.5: a higher minor version is read as the highest that the recipient knows.',
    codes: ['HPE_INVALID_VERSION'],
    when: (_ours, text) => / HTTP\/1\.[2-9]\r\n/.test(text),
    examples: ['GET / HTTP/1.2\r\nHost: a\r\n\r\n', 'GET / HTTP/1.9\r\nHost: a\r\n\r\n'],
  },
  {
    name: 'bytes beyond ASCII in the target',
    reason:
      'RFC 9112 §3.2: a recipient may fix what is no URI. Each byte goes on percent-encoded, and routes match that; clients that send UTF-8 exist.',
    codes: ['HPE_INVALID_URL'],
    when: ({ target }) => /[\x80-\xff]/.test(target),
    examples: [get('/\xe4'), get('/?\xe4'), get('http://a/\xe4')],
  },
  {
    name: 'white space around the parts of a chunk extension',
    reason: 'RFC 9112 §7.1.1 has BWS there, which a recipient MUST parse (RFC 9110 §5.6.3). It is never forwarded.',
    codes: ['HPE_STRICT', 'HPE_INVALID_CHUNK_SIZE'],
    when: (_ours, text) => /\r\n[0-9a-f]+(?:[ \t]|.*[;="\w][ \t]|.*;[ \t])/i.test(text),
    examples: [`${CHUNKED_HEAD}5 ;x\r\nhello\r\n0\r\n\r\n`, `${CHUNKED_HEAD}5; a = "b"\r\nhello\r\n0\r\n\r\n`],
  },
  {
    name: 'framing fields in a trailer section',
    reason: 'RFC 9110 §6.5.1: a recipient ignores them; the writer drops them from what is passed on.',
    codes: ['HPE_INVALID_TRANSFER_ENCODING', 'HPE_UNEXPECTED_CONTENT_LENGTH', 'HPE_INVALID_CONTENT_LENGTH'],
    when: ({ trailers }) => trailers.some(([name]) => /^(?:transfer-encoding|content-length)$/i.test(name)),
    examples: [
      `${CHUNKED_HEAD}0\r\nTransfer-Encoding: chunked\r\n\r\n`,
      `${CHUNKED_HEAD}0\r\nContent-Length: 5\r\n\r\n`,
    ],
  },
  {
    name: 'white space behind Content-Length',
    reason: 'RFC 9112 §5.1: OWS around a field value is no part of it.',
    llhttp: 'below 9.4',
    codes: ['HPE_INVALID_CONTENT_LENGTH'],
    when: (_ours, text) => /\r\ncontent-length:[ \t]*\d+[ \t]+\r\n/i.test(text),
    examples: [post('Content-Length: 5 \t', 'hello')],
  },
];

/** Further inputs on which both agree: both accept or both refuse them. */
export const AGREED: readonly string[] = [
  ...VALID_REQUESTS,
  get('/', 'a:80'),
  get('http://a'),
  get('/\t'),
  get('/\0'),
  get('/a b'),
  get('a'),
  'GET / HTTP/1.1\nHost: a\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a\n\r\n',
  'GET / HTTP/1.1\r\nHost: a\r\n\n',
  'GET / HTTP/1.1 \r\nHost: a\r\n\r\n',
  'GET / http/1.1\r\nHost: a\r\n\r\n',
  'GET / HTTP/1.1\r\n\r\n',
  'GET / HTTP/1.1\r\n Host: a\r\n\r\n',
  'GET / HTTP/1.1\r\nHost : a\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a\r\nb: c\r\n d\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a\r\nb: \0\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a\r\nb: c\rd\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a\r\nb: \x7f\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a\r\nb: \x80\xff\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a\r\n\r\r\n',
  '\x16\x03\x01\x02\x00',
  'SSH-2.0-OpenSSH_9.6\r\n',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  post('Content-Length: 5\r\nContent-Length: 5', 'hello'),
  post('Content-Length: 5\r\nContent-Length: 6', 'hello'),
  post('Content-Length: 5, 5', 'hello'),
  post('Content-Length: +5', 'hello'),
  post('Content-Length: -5', 'hello'),
  post('Content-Length: 0x5', 'hello'),
  post('Content-Length: 5\r\nTransfer-Encoding: chunked'),
  post('Transfer-Encoding: chunked\r\nContent-Length: 5'),
  post('Transfer-Encoding: gzip'),
  post('Transfer-Encoding: identity'),
  post('Transfer-Encoding: xchunked'),
  post('Transfer-Encoding: chunked, chunked'),
  post('Transfer-Encoding: chunked, identity'),
  post('Transfer-Encoding : chunked'),
  post('Transfer-Encoding: \x0bchunked'),
  post('Transfer-Encoding:\r\n chunked'),
  post('X: y\rTransfer-Encoding: chunked'),
  post('X: y\nTransfer-Encoding: chunked'),
  ...[
    '5\nhello\r\n0\r\n\r\n',
    '5\r\nhello0\r\n\r\n',
    '5\r\nhello\n0\r\n\r\n',
    '0x5\r\nhello\r\n0\r\n\r\n',
    '+5\r\nhello\r\n0\r\n\r\n',
    '5 \r\nhello\r\n0\r\n\r\n',
    '5;\r\nhello\r\n0\r\n\r\n',
    '5;a="b\r\nhello\r\n0\r\n\r\n',
    '5;a\nhello\r\n0\r\n\r\n',
    '0\r\n\n',
    '0\r\na : b\r\n\r\n',
    '0\r\na: b\r\n c\r\n\r\n',
  ].map((body) => CHUNKED_HEAD + body),
];

/** Whether a version of llhttp, as Node names it, shows a difference. */
export function occursIn(llhttpVersion: string, { llhttp }: Difference): boolean {
  const [major = 0, minor = 0] = llhttpVersion.split('.').map(Number);
  return llhttp === undefined || major < 9 || (major === 9 && minor < 4);
}

/** The listed difference that explains the two outcomes, or null. */
export function differenceOf(llhttpVersion: string, text: string, ours: Outcome, theirs: Outcome): Difference | null {
  if (theirs.kind === 'accepted' && ours.kind === 'refused') {
    const found = STRICTER.find(({ codes, when }) => codes.includes(ours.code) && when(theirs, text));
    return found !== undefined && occursIn(llhttpVersion, found) ? found : null;
  }
  if (ours.kind === 'accepted' && theirs.kind === 'refused') {
    const found = LOOSER.find(({ codes, when }) => codes.includes(theirs.code) && when(ours, text));
    return found !== undefined && occursIn(llhttpVersion, found) ? found : null;
  }
  return null;
}
