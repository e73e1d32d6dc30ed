import type { Fields } from '../message/index.ts';

/** The prefix of all media types of gRPC, such as `application/grpc+proto` and `application/grpc-web`. */
const GRPC = 'application/grpc';

/**
 * Whether the response to a request may begin with silence of any length. A gRPC stream sends its head with the first
 * message, which may come hours later, and the client itself limits the wait (`grpc-timeout`).
 */
export function mayStartSilent(fields: Fields): boolean {
  // The search in the text rules out most requests without a walk over their fields. gRPC writes the type in lower case.
  return fields.text.includes(GRPC) && fields.get('content-type')?.startsWith(GRPC) === true;
}
