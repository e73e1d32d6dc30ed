import { isMediaTypePattern } from '../../message/index.ts';
import { InvalidValue } from './invalid-value.ts';

/**
 * Checks an entry of a list of media types: a whole one, all of a kind, or all with a suffix.
 * @throws InvalidValue
 */
export function checkMediaTypePattern(value: string): void {
  if (isMediaTypePattern(value)) return;
  const allowed =
    'a media type in lower case such as "text/html", all of a kind such as "text/*", or a suffix such as "+json"';
  throw new InvalidValue(`expected ${allowed}, found ${JSON.stringify(value)}`);
}
