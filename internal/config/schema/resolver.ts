import * as z from 'zod';
import { describeValue, InvalidValue } from '../value/invalid-value.ts';
import { ipFamily } from '../value/ip-address.ts';
import { duration, expected, integer, key, list, object, parsed, path, text } from './field.ts';

export const resolverSchema = object(
  {
    servers: key(
      list(parsed(text('an IP address with or without a port'), checkDnsServer), 'a list of DNS servers'),
      { type: 'string[]', default: 'those of /etc/resolv.conf' },
      'DNS servers, asked in their order: `"10.0.0.53"`, `"127.0.0.1:5353"`, `"[::1]:53"`.',
    ),
    hosts: key(
      path('a hosts file'),
      { type: 'Path', default: '/etc/hosts' },
      'Hosts file, which is asked before DNS. It is read again when it changes.',
    ),
    timeout: key(
      duration({ min: 1, reason: 'a server needs some time to answer' }),
      { type: 'Duration', default: 'that of /etc/resolv.conf, else 2s' },
      'How long one server may take to answer before the next one is asked.',
    ),
    attempts: key(
      integer(1, 10, 'a number of attempts'),
      { type: 'integer', default: 'that of /etc/resolv.conf, else 2' },
      'How many times all servers are asked.',
    ),
  },
  'an object with servers, hosts, timeout and attempts',
).meta({ id: 'Resolver', description: 'How the names of upstreams are looked up.' });

/** The settings, or the one word that asks the C library. */
export const resolverOrSystem = z.union(
  [parsed(text('"system"'), checkSystem).meta({ const: 'system' }), resolverSchema],
  { error: expected('"system", or an object with servers') },
);

function checkSystem(value: string): void {
  if (value !== 'system') throw new InvalidValue(`expected "system", found ${describeValue(value)}`);
}

function checkDnsServer(value: string): void {
  if (ipFamily(value) !== 0) return;
  const [, six, four = '', port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(value) ?? [];
  const family = six === undefined ? 4 : 6;
  if (ipFamily(six ?? four) === family && Number(port) >= 1 && Number(port) <= 65535) return;
  throw new InvalidValue(`expected an IP address with or without a port, found ${describeValue(value)}`);
}
