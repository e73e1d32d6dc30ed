import { InvalidValue } from '../../config/index.ts';

/**
 * Reads media types such as `text/*,application/json`, into lower case; `text/` stands for `text/*`, and an empty text
 * for any type.
 * @throws InvalidValue
 */
export function parseType(value: string): readonly string[] {
  return value.split(',').map((part) => {
    const type = part.trim().toLowerCase();
    if (type === '*/*') return '';
    if (!/^[\w!#$&^.+-]+\/(?:\*|[\w!#$&^.+-]+)$/.test(type))
      throw new InvalidValue(
        `expected media types such as "text/*" or "application/json", separated by commas, found ${JSON.stringify(value)}`,
      );
    return type.endsWith('/*') ? type.slice(0, -1) : type;
  });
}

/** Whether a Content-Type is one of the types. Without Content-Type, only "any type" (the empty text) matches. */
export function matchesType(types: readonly string[], contentType: string | null): boolean {
  if (contentType === null) return types.includes('');
  const end = contentType.indexOf(';');
  const type = (end < 0 ? contentType : contentType.slice(0, end)).trim().toLowerCase();
  return types.some((each) => (each === '' || each.endsWith('/') ? type.startsWith(each) : type === each));
}
