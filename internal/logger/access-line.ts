import type { AccessRecord } from './access-record.ts';
import { escape, quote } from './json-string.ts';
import { IsoClock, THREE_DIGITS } from './timestamp.ts';

/*
 * Theory of operation. JSON.stringify would cost all of the budget of 1.5 µs a request. What a line costs when written
 * by hand is, nearly to the nanosecond, the number of pieces it is joined from (each is paid for again when the text
 * is flattened to bytes) and the number of strings that are searched for characters to escape. So pieces are
 * merged: what seldom changes is kept ready made (the record's memo, the time stamp up to the second), keys stick to
 * the constant text before them, and the three decimals of a duration come from a table.
 */

const clock = new IsoClock('{"time":"', 'Z","request_id":"');
const DECIMALS: readonly string[] = THREE_DIGITS.map((digits) => '.' + digits);

/**
 * One line of the access log, with its line feed: a JSON object in ASCII, always with the same keys in the same
 * order. A number that is negative or no number at all is written as null.
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

/** The fields that tell of the client, from the quote that ends the request id on. */
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

/** The fields that tell how the request was handled, up to the first quote of the path. */
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
 * The same text in one piece: V8 keeps a joined string as a tree of its pieces until a character is asked for. The
 * character is kept, or the compiler would see that nobody wants it.
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

/** A count as JSON: whole and not negative, else null (NaN and Infinity are no JSON). */
export function count(value: number): string {
  return value >= 0 && value <= Number.MAX_SAFE_INTEGER ? '' + Math.floor(value) : 'null';
}

/** Above this, microseconds no longer fit in 31 bits and the fast integer path ends: 35 minutes. */
const FAST_MILLISECONDS = 2_147_483;

/** Milliseconds with three decimals, so that they count microseconds. */
export function milliseconds(value: number): string {
  if (value >= 0 && value < FAST_MILLISECONDS) {
    const micros = (value * 1000 + 0.5) | 0;
    const whole = (micros / 1000) | 0;
    return whole + DECIMALS[micros - whole * 1000];
  }
  return value >= 0 && value <= Number.MAX_SAFE_INTEGER ? value.toFixed(3) : 'null';
}
