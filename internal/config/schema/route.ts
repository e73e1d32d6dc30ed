import * as z from 'zod';
import { InvalidValue, quote } from '../value/invalid-value.ts';
import { actionSchema, pluginList } from './action.ts';
import {
  anyText,
  duration,
  expected,
  flag,
  key,
  list,
  nameOr,
  named,
  object,
  oneOf,
  parsed,
  path,
  schemaKey,
  text,
} from './field.ts';
import { matchSchema } from './match.ts';

export const balancerSchema = object(
  {
    type: key(
      oneOf(['roundrobin', 'random', 'leastconn', 'twochoices']),
      { type: '`roundrobin`, `random`, `leastconn`, `twochoices`', required: true },
      '`roundrobin`: each target in turn. `random`: a random target. `leastconn`: the target with the fewest requests in flight. `twochoices`: the less busy of two random targets; with many targets and workers nearly as even as `leastconn`.',
    ),
    targets: key(
      list(target(), 'a list of targets'),
      { type: 'string[]', default: '[]' },
      'The values of `{target}`. They must be unique, and the list must not be empty unless plugins fill it.',
    ),
    fallback: key(
      flag(),
      { type: 'bool', default: 'false' },
      'For plugins that group their targets: a key without a group gets a target of any group.',
    ),
  },
  'a balancer',
).meta({ id: 'Balancer', description: 'Spreads requests over targets.' });

export const speedSchema = object(
  {
    download_mbps: key(
      rate(),
      { type: 'number', default: 'no limit' },
      'From upstream to client, in megabits (10^6 bits) per second; fractions allowed, `0` = no limit.',
    ),
    upload_mbps: key(
      rate(),
      { type: 'number', default: 'no limit' },
      'From client to upstream, in megabits per second.',
    ),
    shared: key(
      flag(),
      { type: 'bool', default: 'false' },
      'One bucket for all connections of the route, in all workers; otherwise each connection has its own.',
    ),
  },
  'an object with download_mbps, upload_mbps and shared',
).meta({ id: 'Speed', description: 'Bandwidth limits; one of the two rates must be above 0.' });

export const routeSchema = object(
  {
    match: key(
      matchSchema,
      { type: 'Match', default: 'everything' },
      'What the route matches; everything by default. A match needs `domain` or `path`.',
    ),
    action: key(
      nameOr(actionSchema, 'the name of an action, or an action'),
      { type: 'name or Action', required: true },
      'The action: the name of a shared action, or an action in place.',
    ),
    set: key(
      named(anyText('a text'), 'an object of variables', checkVariable),
      { type: 'name → string', default: '{}' },
      'Variables for the upstream of the action, used as `{name}`. With them, several routes can share one action.',
    ),
    balancer: key(
      balancerSchema,
      { type: 'Balancer' },
      'Chooses `{target}`. Only with `proxy` and `pass` actions, whose upstream must contain `{target}`.',
    ),
    speed: key(speedSchema, { type: 'Speed' }, 'Bandwidth limits.'),
    plugins: key(
      pluginList(),
      { type: 'string[]', default: '[]' },
      'Plugins by name or path; they run after those of the service and of the action.',
    ),
    plugin_timeout: key(
      duration({ min: 1, reason: 'a plugin needs some time to answer' }),
      { type: 'Duration', default: '5s' },
      'Time limit for each call of a plugin.',
    ),
    access_log: key(
      path('the access log, or "off"'),
      { type: 'Path or `"off"`', default: "the action's" },
      'Access log of the route. It takes precedence over the one of the action, which takes precedence over the global one.',
    ),
  },
  'a route',
).meta({ id: 'Route', description: 'A match and its action.' });

/** A route or, as a path, a file of more. */
export const routeEntrySchema = z.union([path('a file of routes'), routeSchema], {
  error: expected('a route, or the path of a file of routes'),
});

export const routesSchema = list(routeEntrySchema, 'a list of routes');

/** A file of routes: the list alone, or as `routes`. */
export const includeListSchema = routesSchema.meta({ id: 'RouteList', description: 'A file of routes.' });
export const includeObjectSchema = object(
  {
    routes: key(
      routesSchema,
      { type: '(Route or Path)[]', required: true },
      'The routes, which are inserted in place of the path.',
    ),
    $schema: schemaKey,
  },
  'a list of routes, or an object with `routes`',
).meta({ id: 'RouteInclude', description: 'A file of routes.' });

export type RawRoute = z.infer<typeof routeSchema>;
export type RawBalancer = z.infer<typeof balancerSchema>;
export type RawSpeed = z.infer<typeof speedSchema>;

function rate() {
  const allowed = 'a number of megabits a second, 0 or more';
  return parsed(z.number({ error: expected(allowed) }), (value) => {
    // A tera of bits: more would overflow exact byte counts, and no interface has it.
    if (value < 0 || value > 1_000_000) throw new InvalidValue(`expected ${allowed} (at most 1000000), found ${value}`);
  }).meta({ minimum: 0, maximum: 1_000_000 });
}

function target() {
  return parsed(text('a target such as "10.0.0.1:8080"'), (value) => {
    if (!/^[^\s{}\0-\x1f\x7f]+$/.test(value))
      throw new InvalidValue(`expected a target such as "10.0.0.1:8080", found ${quote(value)}`);
  });
}

function checkVariable(name: string): void {
  if (!/^[A-Za-z0-9_.-]+$/.test(name)) {
    throw new InvalidValue(`expected a name of letters, digits, "_", "-" and ".", found ${quote(name)}`);
  }
  if (name === 'target') throw new InvalidValue('`target` is filled by the balancer; expected another name');
}
