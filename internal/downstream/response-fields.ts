import { dropTable, FieldId } from '../message/index.ts';

/** Fields of a response that are for one hop (RFC 9110 §7.6.1) or written anew. */
export const RESPONSE_DROP = dropTable(
  FieldId.connection,
  FieldId.keepAlive,
  FieldId.proxyConnection,
  FieldId.transferEncoding,
  FieldId.upgrade,
);

/** The same for an interim response, which has no body to frame either (RFC 9110 §8.6, RFC 9112 §6.1). */
export const INTERIM_DROP = dropTable(
  FieldId.connection,
  FieldId.contentLength,
  FieldId.keepAlive,
  FieldId.proxyConnection,
  FieldId.transferEncoding,
  FieldId.upgrade,
);

/** Fields of a trailer section that must not be there: they frame a message, or are for one hop (RFC 9110 §6.5.1). */
export const TRAILER_DROP = dropTable(
  FieldId.connection,
  FieldId.contentLength,
  FieldId.keepAlive,
  FieldId.proxyConnection,
  FieldId.trailer,
  FieldId.transferEncoding,
  FieldId.upgrade,
);
