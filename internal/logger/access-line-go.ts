import { count, milliseconds } from './access-line.ts';
import type { AccessRecord } from './access-record.ts';
import { escape } from './json-string.ts';
import { IsoClock } from './timestamp.ts';

const clock = new IsoClock('{"ts":"', 'Z","service":"');

/**
 * One line of the access log with the keys of the Go prox, for tools that read its logs. Empty for a relayed
 * connection, for which the Go prox writes no line. A request without a User-Agent has no key for it.
 */
export function formatGoAccessRecord(record: AccessRecord): string {
  if (record.protocol === 'tcp') return '';
  return (
    clock.format(record.time) +
    escape(record.service) +
    '","method":"' +
    escape(record.method) +
    '","path":"' +
    escape(record.path) +
    '","status":' +
    count(record.status) +
    ',"duration_ms":' +
    milliseconds(record.duration) +
    ',"bytes_out":' +
    count(record.bytesOut) +
    ',"client_ip":"' +
    escape(record.client) +
    (record.userAgent === null || record.userAgent === ''
      ? '"}\n'
      : '","user_agent":"' + escape(record.userAgent) + '"}\n')
  );
}
