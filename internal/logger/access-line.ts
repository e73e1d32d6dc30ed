import type { AccessRecord } from './access-record.ts';
import { escape, quote } from './json-string.ts';
import { IsoClock, THREE_DIGITS } from './timestamp.ts';

/*
 * Theory of operation. JSON.stringify would take the whole budget of 1.5 µs for a request. The cost of a line that is
 * written by hand depends, nearly to the nanosecond, on two numbers: the pieces from which it is joined (each costs
 * again when the text is converted to bytes), and the strings that are searched for characters to escape. Therefore
 * pieces are merged: parts that seldom change are kept (in the memo of the record, and the time stamp up to the
 * second), keys are part of the constant text before them, and the three decimals of a duration come from a table.
 */

const clock = new IsoClock('{"time":"', 'Z","request_id":"');
const DECIMALS: readonly string[] = THREE_DIGITS.map((digits) => '.' + digits);

/**
 * One line of the access log, with its line feed: a JSON object in ASCII, always with the same keys in the same order.
 * A negative or invalid number is written as null.
 */
export function formatAccessRecord(record: AccessRecord): string {
  return (
    clock.format(record.time) +
    record.requestId +
    clientPart(record) +
    routePart(record) +
    escape(record.path) +
    (record.query === null ? '","query":null' : '","query":"' + escape(record.query) + '"') +
    (record.referer === null ? ',"referer":null,"status":' : ',"referer":"' + escape(record.referer) + '","status":') +
    count(record.status) +
    ',"bytes_in":' +
    count(record.bytesIn) +
    ',"bytes_out":' +
    count(record.bytesOut) +
    ',"duration_ms":' +
    milliseconds(record.duration) +
    upstreamTimes(record) +
    (record.error === null ? ',"error":null}\n' : ',"error":' + quote(record.error) + '}\n')
  );
}

/** The fields about the client, beginning with the closing quote of the request id. */
function clientPart(record: AccessRecord): string {
  const memo = record.memo;
  if (
    memo.client !== record.client ||
    memo.host !== record.host ||
    memo.userAgent !== record.userAgent ||
    memo.clientPart === ''
  ) {
    memo.client = record.client;
    memo.host = record.host;
    memo.userAgent = record.userAgent;
    memo.clientPart = flat(
      '","client_addr":"' +
        escape(record.client) +
        '","host":"' +
        escape(record.host) +
        (record.userAgent === null ? '","user_agent":null' : '","user_agent":"' + escape(record.userAgent) + '"'),
    );
  }
  return memo.clientPart;
}

/** The fields about the handling of the request, up to the first quote of the path. */
function routePart(record: AccessRecord): string {
  const memo = record.memo;
  if (
    memo.route !== record.route ||
    memo.upstream !== record.upstream ||
    memo.method !== record.method ||
    memo.protocol !== record.protocol ||
    memo.routePart === ''
  ) {
    memo.route = record.route;
    memo.upstream = record.upstream;
    memo.method = record.method;
    memo.protocol = record.protocol;
    memo.routePart = flat(
      (record.route === null ? ',"route":null' : ',"route":"' + escape(record.route) + '"') +
        (record.upstream === null ? ',"upstream_addr":null' : ',"upstream_addr":"' + escape(record.upstream) + '"') +
        ',"protocol":"' +
        escape(record.protocol) +
        '","method":"' +
        escape(record.method) +
        '","path":"',
    );
  }
  return memo.routePart;
}

const seen = { unit: 0 };

/**
 * Returns the same text in one piece: V8 keeps a joined string as a tree of its pieces until a character is read. The
 * character is stored, because the compiler would otherwise remove the read.
 */
function flat(text: string): string {
  seen.unit = text.charCodeAt(0);
  return text;
}

function upstreamTimes(record: AccessRecord): string {
  if (record.upstream === null && record.upstreamConnect < 0 && record.upstreamHeader < 0) {
    return ',"upstream_connect_ms":null,"upstream_header_ms":null,"upstream_response_ms":null';
  }
  return (
    (record.upstreamConnect === 0
      ? ',"upstream_connect_ms":0.000,"upstream_header_ms":'
      : ',"upstream_connect_ms":' + milliseconds(record.upstreamConnect) + ',"upstream_header_ms":') +
    milliseconds(record.upstreamHeader) +
    ',"upstream_response_ms":' +
    milliseconds(record.upstreamResponse)
  );
}

/**
 * A count as JSON: the number if it is a non-negative integer, otherwise null (NaN and Infinity are not valid JSON).
 */
export function count(value: number): string {
  return value >= 0 && value <= Number.MAX_SAFE_INTEGER ? '' + Math.floor(value) : 'null';
}

/** Above this value (35 minutes), microseconds no longer fit in 31 bits, and the fast integer path ends. */
const FAST_MILLISECONDS = 2_147_483;

/** Milliseconds with three decimals, which is a precision of one microsecond. */
export function milliseconds(value: number): string {
  if (value >= 0 && value < FAST_MILLISECONDS) {
    const micros = (value * 1000 + 0.5) | 0;
    const whole = (micros / 1000) | 0;
    return whole + DECIMALS[micros - whole * 1000];
  }
  return value >= 0 && value <= Number.MAX_SAFE_INTEGER ? value.toFixed(3) : 'null';
}
