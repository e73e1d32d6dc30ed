import * as z from 'zod';
import { parseDuration } from '../value/duration.ts';
import { describeValue, InvalidValue } from '../value/invalid-value.ts';
import {
  anyText,
  byteSize,
  expected,
  integer,
  key,
  named,
  object,
  oneOf,
  oneOfInAnyCase,
  parsed,
  path,
  schemaKey,
} from './field.ts';
import { pluginRegistry } from './plugin.ts';
import { resolverOrSystem } from './resolver.ts';
import { listenAddress, poolShape, serviceSchema } from './service.ts';

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;

const ROTATION = '"daily", "hourly", a duration, or a number of seconds';

export const rotateSchema = object(
  {
    frequency: key(
      parsed(z.union([z.string(), z.number()], { error: expected(ROTATION) }), checkFrequency),
      { type: '`daily`, `hourly` or Duration', default: 'none' },
      'When a new file begins.',
    ),
    size: key(byteSize({ min: 1 }), { type: 'Size', default: 'none' }, 'Size at which a new file begins.'),
    keep: key(
      integer(1, 100_000, 'a number of files'),
      { type: 'integer', default: 'all' },
      'Number of rotated files to keep.',
    ),
  },
  'an object with frequency, size and keep',
).meta({ id: 'Rotate', description: 'Rotation of the log files by prox itself; `frequency` or `size` is required.' });

export const loggingSchema = object(
  {
    level: key(
      oneOfInAnyCase(LEVELS),
      { type: '`debug`, `info`, `warn`, `error`', default: 'info' },
      'Lowest level that is logged, in upper or lower case. The environment variable `LOG_LEVEL` takes precedence over `-log-level`, which takes precedence over this key.',
    ),
    access_log: key(
      path('the access log'),
      { type: 'Path', default: 'none' },
      'Access log of every route that names no other: one JSON object per line.',
    ),
    access_format: key(
      oneOf(['json', 'prox-go']),
      { type: '`json`, `prox-go`', default: 'json' },
      'Format of all access logs. `prox-go` writes the keys of the Go prox, for tools that read its logs.',
    ),
    error_log: key(
      path('the error log'),
      { type: 'Path', default: 'none' },
      'File that gets warnings and errors in addition to the console.',
    ),
    rotate: key(
      rotateSchema,
      { type: 'Rotate', default: 'none' },
      'Rotation of all log files by prox. Without it, rename the files with another tool and send SIGHUP.',
    ),
  },
  'an object with the logging settings',
).meta({ id: 'Logging', description: 'Logs.' });

export const adminSchema = object(
  {
    listen: key(
      listenAddress(),
      { type: 'string', required: true },
      'Address, in the form of a service. **Danger:** every client that reaches it can manage prox; keep it on `127.0.0.1` or a Unix socket.',
    ),
    token: key(anyText('a token'), { type: 'string', default: 'none' }, 'Bearer token that every request must have.'),
  },
  'an object with listen and token',
).meta({ id: 'Admin', description: 'The management API.' });

export const rootSchema = object(
  {
    services: key(
      named(
        z.union([path('a service file, or of a folder of them'), serviceSchema], {
          error: expected('a service, or the path of a file or a folder'),
        }),
        'an object of named services',
      ),
      { type: 'name → Service, or a Path to a service file, or a Path to a folder of them', required: true },
      'Listeners and their routes. The services of a folder are named after their files.',
    ),
    ...poolShape,
    plugins: key(pluginRegistry(), { type: 'name → Plugin', default: '{}' }, 'Plugins by name.'),
    logging: key(loggingSchema, { type: 'Logging', default: '{}' }, 'Logs.'),
    resolver: key(
      resolverOrSystem,
      { type: '`system` or Resolver', default: '{}' },
      'How names of upstreams are resolved: with the hosts file and DNS, or with `"system"` by the resolver of the C library.',
    ),
    admin: key(adminSchema, { type: 'Admin', default: 'none' }, 'Management API; none by default.'),
    $schema: schemaKey,
  },
  'an object with `services`',
).meta({ id: 'Root', description: 'The config file.' });

export type RawRoot = z.infer<typeof rootSchema>;
export type RawLogging = z.infer<typeof loggingSchema>;

function checkFrequency(value: string | number): void {
  if (value === 'daily' || value === 'hourly') return;
  let ms = 0;
  try {
    ms = parseDuration(value);
  } catch (error) {
    if (!(error instanceof InvalidValue)) throw error;
  }
  if (ms < 1000) throw new InvalidValue(`expected ${ROTATION}, at least a second, found ${describeValue(value)}`);
}
