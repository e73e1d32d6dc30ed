export type * from './config.ts';
export { loadConfig } from './load-config.ts';
export { ConfigError, formatPosition, formatProblem } from './problem.ts';
export { DEFAULT_LIMITS } from './schema/limits.ts';
export { parseListenAddress } from './value/listen-address.ts';
export { InvalidValue } from './value/invalid-value.ts';
export { NOT_IN_FILES } from './value/template.ts';
export { jsonSchema } from './json-schema.ts';
