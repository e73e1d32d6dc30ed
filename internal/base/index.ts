export { ERROR_CODES, type ErrorCode, type ErrorEntry, type ErrorSource } from './error-codes.ts';
export { ProxyError, type ProxyErrorOptions } from './proxy-error.ts';
export { Deadlines, Deadline } from './deadlines.ts';
export { type Member, Roster } from './roster.ts';
export { MAX_UNIX_PATH } from './unix-path.ts';
