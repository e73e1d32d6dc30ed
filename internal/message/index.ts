export { isAuthority } from './authority.ts';
export {
  COLON,
  CR,
  FIELD_VALUE,
  HEX_DIGIT,
  HTAB,
  LF,
  REQUEST_TARGET,
  SP,
  TARGET_BEYOND_ASCII,
  TARGET_IRREGULAR,
  TARGET_QUESTION,
  TARGET_SLASH,
  TOKEN_LOWER,
  ZERO,
} from './characters.ts';
export { cgiName } from './cgi-name.ts';
export { acceptsCoding, chooseCodings, codingName, type NamedCoding } from './content-codings.ts';
export { ConnectionOption, persists, takeConnectionOptions } from './connection-options.ts';
export {
  CONNECTION_SPECIFIC,
  type DropTable,
  dropTable,
  EMPTY_RESPONSE_DROP,
  KEEP_ALL,
  REQUEST_DROP,
  RESPONSE_DROP,
  TRAILER_DROP,
  without,
  withoutReceived,
} from './drop-table.ts';
export { weakened } from './entity-tag.ts';
export { type FieldBits, fieldBits, FieldId, fieldIdAt, fieldIdOf, FORWARDED_FAMILY } from './field-names.ts';
export { readFieldPairs } from './field-pairs.ts';
export { skipFieldValue, wordsOf } from './field-value-scan.ts';
export { isBlank, isFieldValue, isToken } from './field-syntax.ts';
export { type FieldNames, Fields } from './fields.ts';
export {
  CHUNKED,
  type Framing,
  isBodiless,
  MAX_LENGTH_DIGITS,
  mayHaveContent,
  NO_BODY,
  requestFraming,
  responseFraming,
  tellsLength,
  UNTIL_CLOSE,
} from './framing.ts';
export { currentHttpDate, formatHttpDate, parseHttpDate } from './http-date.ts';
export { joinedLines, joinedValues } from './joined-values.ts';
export { isMediaTypePattern, MediaTypes } from './media-types.ts';
export {
  DEFAULT_PATH_RULES,
  encodePath,
  isNormalPath,
  normalizePath,
  pathForms,
  type PathFault,
  type PathForms,
  type PathRules,
} from './normalize-path.ts';
export { forbidsTransform } from './no-transform.ts';
export { isReasonPhrase, reasonPhrase } from './reason-phrase.ts';
export { readTarget, type RequestTarget } from './target.ts';
export { webSocketAccept } from './websocket-accept.ts';
export { WantedNames } from './wanted-names.ts';
export { addToVary } from './vary.ts';
