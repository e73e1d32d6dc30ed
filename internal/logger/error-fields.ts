import { inspect } from 'node:util';
import { ProxyError } from '../base/index.ts';

/** Number of nested causes, and of errors of an AggregateError, that are logged. More of them add no information. */
const MAX_DEPTH = 8;
const MAX_ERRORS = 8;

/** Properties that Node sets on errors of the system (`fs`, `net`, `dns`) and that identify the failed operation. */
const SYSTEM_PROPERTIES = ['code', 'syscall', 'path', 'address', 'port', 'hostname'] as const;

/**
 * An error as plain values for a log record: code, source, message and the chain of causes. Errors other than
 * ProxyError have their name and the system's properties instead of code and source.
 *
 * @param debug Adds the stack to every error; otherwise only bugs of prox have one. The stack is a list of frames
 * without the message, so that no line break in a message can look like a frame.
 */
export function errorFields(error: Error, debug: boolean, depth = 0): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  if (error instanceof ProxyError) {
    fields['code'] = error.code;
    fields['source'] = error.source;
  } else {
    if (error.name !== 'Error') fields['name'] = error.name;
    for (const property of SYSTEM_PROPERTIES) {
      const value: unknown = Reflect.get(error, property);
      if (typeof value === 'string' || typeof value === 'number') fields[property] = value;
    }
  }
  fields['message'] = error.message;
  const cause = error.cause;
  // A cause of null means that no error is behind this one, as for a connection that was closed in order.
  if (cause !== undefined && cause !== null && depth < MAX_DEPTH) {
    fields['cause'] = cause instanceof Error ? errorFields(cause, debug || isOurs(error), depth + 1) : describe(cause);
  }
  if (error instanceof AggregateError && depth < MAX_DEPTH) {
    fields['errors'] = error.errors
      .slice(0, MAX_ERRORS)
      .map((one: unknown) => (one instanceof Error ? errorFields(one, debug, depth + 1) : describe(one)));
  }
  if ((debug || isOurs(error)) && error.stack !== undefined) fields['stack'] = stackFrames(error);
  return fields;
}

/** A thrown value, or a cause, that is not an Error. */
function describe(value: unknown): string {
  return typeof value === 'string' ? value : inspect(value, { depth: 1, breakLength: Infinity, customInspect: false });
}

/**
 * Whether the error is a bug of prox. The place where it was thrown then matters at every level, also for its causes.
 */
function isOurs(error: Error): boolean {
  return error instanceof ProxyError && error.code === 'internal';
}

function stackFrames(error: Error): string[] {
  const frames: string[] = [];
  // The frames follow the message, which may contain any text, so they are taken from the end.
  const lines = (error.stack ?? '').split('\n');
  for (let i = lines.length - 1; i >= 0 && /^ {4}at /.test(lines[i]); i--) frames.unshift(lines[i].slice(7));
  return frames;
}
