import { BodyStage, type FlushResult } from '../../exchange/index.ts';
import { cgiName, type FieldNames, type Fields } from '../../message/index.ts';

/**
 * The names that the auth server alone may set. CGI, WSGI and PHP read `X_User` and `X-User` as one variable (RFC 3875
 * §4.1.18), so a name stands for both.
 */
export function addedNames(names: readonly string[]): FieldNames {
  const added = new Set(names.map((name) => cgiName(name.toLowerCase())));
  return { has: (name) => added.has(cgiName(name)) };
}

/**
 * Removes these names from the trailers of a request body. Some upstreams merge trailers into the fields (RFC 9110 §6.5.1),
 * but access control has checked the fields alone.
 */
export class TrailerGuard extends BodyStage {
  private readonly names: FieldNames;

  constructor(names: FieldNames) {
    super();
    this.names = names;
  }

  write(buffer: Buffer, start: number, end: number): void {
    this.next.write(buffer, start, end);
  }

  override end(trailers: Fields | null): FlushResult {
    trailers?.removeAll(this.names);
    return super.end(trailers);
  }
}
