import type { Fields } from './fields.ts';

/**
 * Declares that a response depends on a request field: adds the name to Vary (RFC 9110 §12.5.5), unless Vary already names
 * it or is `*`.
 */
export function addToVary(fields: Fields, name: string): void {
  const vary = fields.get('vary');
  if (vary === null || vary.trim() === '') return fields.set('Vary', name);
  const lower = name.toLowerCase();
  const names = vary.split(',').map((member) => member.trim().toLowerCase());
  if (!names.includes('*') && !names.includes(lower)) fields.set('Vary', `${vary}, ${name}`);
}
