import { dropTable, FieldId } from '../message/index.ts';

/**
 * Fields of a trailer section that must not be there (RFC 9110 §6.5.1): they frame a message, route it, say who sent
 * it, or are for one hop.
 */
export const TRAILER_DROP = dropTable(
  FieldId.connection,
  FieldId.contentLength,
  FieldId.expect,
  FieldId.forwarded,
  FieldId.host,
  FieldId.keepAlive,
  FieldId.maxForwards,
  FieldId.proxyConnection,
  FieldId.te,
  FieldId.trailer,
  FieldId.transferEncoding,
  FieldId.upgrade,
  FieldId.via,
  FieldId.xForwardedFor,
  FieldId.xForwardedHost,
  FieldId.xForwardedProto,
);
