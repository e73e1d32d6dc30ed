import * as z from 'zod';
import { schemaAt } from './check-shape.ts';

/** A key whose value is `null` or `''`, and the way to the object that it belongs to. */
interface Candidate {
  readonly owner: Record<string, unknown>;
  readonly path: readonly PropertyKey[];
  readonly key: string;
}

/** Keys that guard something: a value that is missing by mistake must not leave the door open. */
const GUARDS: readonly string[] = ['tls_client_ca', 'tls_client_auth'];

/**
 * Takes keys out of a config value that are written as `null` or `''` to leave them unset, as generated configs do. A key
 * that is required stays, and so does one that guards something, or whose schema takes such a value: the text of a
 * resource may be empty.
 */
export function dropUnset(root: unknown, schema: z.ZodType): void {
  const candidates: Candidate[] = [];
  // Hardly any config has such values: they are looked for before the schema is asked about them.
  collect(root, [], candidates);
  for (const { owner, path, key } of candidates) {
    const ownerSchema = schemaAt(schema, path, root);
    const keySchema = ownerSchema instanceof z.ZodObject ? (ownerSchema.shape[key] as unknown) : null;
    if (!(keySchema instanceof z.ZodOptional)) continue;
    if (!(keySchema.unwrap() as z.ZodType).safeParse(owner[key]).success) delete owner[key];
  }
}

function collect(value: unknown, path: readonly PropertyKey[], found: Candidate[]): void {
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) collect(value[index], [...path, index], found);
    return;
  }
  const owner = value as Record<string, unknown>;
  for (const key of Object.keys(owner)) {
    const child = owner[key];
    if ((child === null || child === '') && !GUARDS.includes(key)) found.push({ owner, path, key });
    else if (typeof child === 'object') collect(child, [...path, key], found);
  }
}
