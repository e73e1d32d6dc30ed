import { hostname } from 'node:os';
import { InvalidValue, quote } from './invalid-value.ts';
import { suggestion } from './nearest.ts';

/** A value that is one variable of pingap, such as `$host` or `$http_user_agent`. */
const VARIABLE = /^\$([A-Za-z]\w*)$/;

/** A request field: `http_` and its name, with underscores for hyphens. */
const FIELD = /^http_(\w+)$/;

/** What stands for the variables of pingap. */
const TEMPLATES: Readonly<Record<string, () => string>> = {
  host: () => '{domain}',
  hostname,
  scheme: () => '{scheme}',
  remote_addr: () => '{client}',
};

/**
 * Makes a template of a value that is a variable of pingap as a whole; any other value stays as it is.
 *
 * @throws InvalidValue for a variable that does not exist here
 */
export function expandVariable(value: string): string {
  const name = VARIABLE.exec(value)?.[1];
  if (name === undefined) return value;
  const field = FIELD.exec(name)?.[1];
  if (field !== undefined) return `{header.${field.replaceAll('_', '-')}}`;
  if (Object.hasOwn(TEMPLATES, name)) return TEMPLATES[name]();
  const known = [...Object.keys(TEMPLATES), 'http_NAME'].map((each) => `$${each}`);
  throw new InvalidValue(`there is no variable ${quote(value)}${suggestion(`$${name}`, known, 'known')}`);
}
