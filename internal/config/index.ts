export type * from './config.ts';
export type { FeatureSchema, PluginEntry } from './feature.ts';
export { generateDocs, type Prose } from './reference/generate.ts';
export { loadConfig } from './load-config.ts';
export { ConfigError, formatPosition, formatProblem } from './problem.ts';
export {
  anyText,
  byteSize,
  duration,
  expected,
  flag,
  integer,
  key,
  list,
  named,
  object,
  oneOf,
  parsed,
  path,
  text,
} from './schema/field.ts';
export { middleware, type MiddlewareStep, stepKey } from './schema/plugin.ts';
export { parseByteSize } from './value/byte-size.ts';
export { parseDuration } from './value/duration.ts';
export { type LabelPattern, type ParsedDomain, splitDomainPattern } from './value/domain-pattern.ts';
export { splitPathPattern } from './value/path-pattern.ts';
export { checkFieldName, checkFieldValue } from './value/header-field.ts';
export { DEFAULT_LIMITS } from './schema/limits.ts';
export { parseListenAddress } from './value/listen-address.ts';
export { InvalidValue, problemOf } from './value/invalid-value.ts';
export {
  checkFieldTemplate,
  familyMember,
  fillUpstream,
  NOT_IN_FILES,
  type PlaceholderFamily,
  type PlaceholderName,
  placeholdersIn,
} from './value/template.ts';
export { expandVariable } from './value/variable.ts';
export { parseProxyUpstream, type UpstreamAddress } from './value/upstream-address.ts';
export { jsonSchema } from './json-schema.ts';
export { matchesStatus, parseStatuses, type StatusRange } from './value/statuses.ts';
export { checkMediaTypePattern } from './value/media-type.ts';
