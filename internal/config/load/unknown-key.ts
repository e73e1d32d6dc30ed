import * as z from 'zod';
import { actionSchema } from '../schema/action.ts';
import { nearest, suggestion } from '../value/nearest.ts';

/** What is to be said of a key that an object does not have. */
export interface UnknownKey {
  readonly message: string;
  /** The key of the object that was meant, which is not missing then; `*` where the object is of another kind. */
  readonly meant: string | null;
}

/** What people write who come from elsewhere, or by ear. The first of the words that the object has is meant. */
const ALIASES: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    body: ['body_ref'],
    content: ['body_ref'],
    response: ['body_ref'],
    code: ['status'],
    status_code: ['status'],
    address: ['listen', 'upstream'],
    bind: ['listen'],
    port: ['listen'],
    backend: ['upstream'],
    proxy_pass: ['upstream'],
    target: ['upstream', 'targets'],
    to: ['upstream'],
    url: ['upstream', 'path'],
    host: ['domain'],
    hostname: ['domain'],
    server_name: ['domain'],
    location: ['path'],
    prefix: ['path'],
    uri: ['path'],
    do: ['action'],
    handler: ['action'],
    respond: ['action'],
    handlers: ['routes'],
    locations: ['routes'],
    rules: ['routes'],
    dir: ['root'],
    directory: ['root'],
    folder: ['root'],
    path: ['root'],
    https: ['tls'],
    ssl: ['tls'],
    cert: ['tls_cert'],
    certificate: ['tls_cert'],
    ssl_certificate: ['tls_cert'],
    key: ['tls_key'],
    ssl_certificate_key: ['tls_key'],
    limits: ['config'],
    options: ['config'],
    settings: ['config'],
    timeouts: ['config'],
    listeners: ['services'],
    servers: ['services'],
    sites: ['services'],
    vars: ['set'],
    variables: ['set'],
  }),
);

/** Objects with keys of so many kinds that a key of theirs says nothing about where it belongs. */
const NO_PLACES = new Set(['acme', 'admin', 'resolver']);

/** Explains a key that `owner` does not have; null when nothing is known of the object. */
export function explainUnknownKey(owner: z.ZodType | null, name: string): UnknownKey {
  const known = owner instanceof z.ZodObject ? Object.keys(owner.shape) : [];
  const tell = (hint: string, meant: string | null): UnknownKey => ({
    message: `unknown key \`${name}\`${hint}`,
    meant,
  });
  const place = owner instanceof z.ZodObject ? placeOf(owner, name) : null;
  if (place !== null) return tell(`; it belongs into \`${place}\``, place);
  const types = typesWith(owner, name);
  if (types.length > 0) return tell(`; only actions of type ${types.join(' or ')} have it`, '*');
  const alias = ALIASES.get(name.toLowerCase())?.find((each) => known.includes(each)) ?? null;
  if (alias !== null) return tell(`; did you mean \`${alias}\`?`, alias);
  return tell(suggestion(name, known, 'known keys'), nearest(name, known));
}

/** The key of an object whose value is an object with this key, such as `match` for `path`. */
function placeOf(owner: z.ZodObject, name: string): string | null {
  for (const [key, schema] of Object.entries(owner.shape)) {
    if (NO_PLACES.has(key)) continue;
    if (objectsIn(schema as z.ZodType).some((each) => Object.hasOwn(each.shape, name))) return key;
  }
  return null;
}

function objectsIn(schema: z.ZodType): readonly z.ZodObject[] {
  if (schema instanceof z.ZodOptional) return objectsIn(schema.unwrap() as z.ZodType);
  if (schema instanceof z.ZodUnion) return (schema.options as readonly z.ZodType[]).flatMap((each) => objectsIn(each));
  return schema instanceof z.ZodObject ? [schema] : [];
}

/** The types of action that have a key, when an action of another type has been given it. */
function typesWith(owner: z.ZodType | null, name: string): string[] {
  const actions = objectsIn(actionSchema);
  if (!actions.some((each) => each === owner)) return [];
  const having = actions.filter((each) => Object.hasOwn(each.shape, name));
  return having.map((each) => `\`${String((each.shape['type'] as z.ZodLiteral).value)}\``);
}
