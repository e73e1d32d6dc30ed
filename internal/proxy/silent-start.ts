import type { Fields } from '../message/index.ts';

/** What the media types of gRPC begin with: with `+proto` and the like behind it, or with `-web`. */
const GRPC = 'application/grpc';

/**
 * Whether the response to a request may begin with silence of any length: a gRPC stream sends its head with the first
 * message, which may come hours later, and the client says itself how long it waits (`grpc-timeout`).
 */
export function mayStartSilent(fields: Fields): boolean {
  // Most requests are told apart without a walk over their fields. gRPC writes the type in lower case.
  return fields.text.includes(GRPC) && fields.get('content-type')?.startsWith(GRPC) === true;
}
