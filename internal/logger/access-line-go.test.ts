import { expect, it } from 'vitest';
import { formatGoAccessRecord } from './access-line-go.ts';
import { AccessRecord } from './access-record.ts';

function record(more: Partial<AccessRecord> = {}): AccessRecord {
  const made = new AccessRecord();
  made.reset(Date.UTC(2026, 2, 1, 12, 0, 0, 250));
  const fields = { service: 'web', method: 'GET', path: '/a"b', status: 200, duration: 1.5, bytesOut: 120 };
  return Object.assign(made, { ...fields, client: '192.0.2.1', protocol: 'HTTP/1.1', userAgent: 'curl/8' }, more);
}

it('has the keys of the Go prox in their order', () => {
  expect(formatGoAccessRecord(record())).toBe(
    '{"ts":"2026-03-01T12:00:00.250Z","service":"web","method":"GET","path":"/a\\"b","status":200,"duration_ms":1.500,"bytes_out":120,"client_ip":"192.0.2.1","user_agent":"curl/8"}\n',
  );
});

it.each([null, ''])('leaves the user agent out when it is %j', (userAgent) => {
  const keys = Object.keys(JSON.parse(formatGoAccessRecord(record({ userAgent }))) as object);
  expect(keys).toEqual(['ts', 'service', 'method', 'path', 'status', 'duration_ms', 'bytes_out', 'client_ip']);
});

it('cannot be broken by what a client sends', () => {
  const line = formatGoAccessRecord(record({ userAgent: 'a"}\r\n{', path: '/\0\xff', method: 'X"Y' }));
  expect(line.split('\n')).toHaveLength(2);
  expect(JSON.parse(line)).toMatchObject({ user_agent: 'a"}\r\n{', path: '/\0\xff', method: 'X"Y' });
});

it('says nothing of a relayed connection', () => {
  expect(formatGoAccessRecord(record({ protocol: 'tcp' }))).toBe('');
});
