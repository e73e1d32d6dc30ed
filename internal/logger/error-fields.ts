import { inspect } from 'node:util';
import { ProxyError } from '../base/index.ts';

/** Causes below the error itself, and errors of an AggregateError, that are logged; more say nothing new. */
const MAX_DEPTH = 8;
const MAX_ERRORS = 8;

/** Properties that Node sets on errors of the system (`fs`, `net`, `dns`) and that say what it was about. */
const SYSTEM_PROPERTIES = ['code', 'syscall', 'path', 'address', 'port', 'hostname'] as const;

/**
 * An error as plain values for a log record: code, source, message, the chain of causes, and for what is no
 * ProxyError its name and what the system says.
 *
 * @param debug Adds the stack to every error; otherwise only errors that are ours have one. It is a list of frames,
 * without the message, so that no line break of a message can look like one.
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
  // A cause that is null says that there was no error beneath: a connection that was closed in order.
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

/** What was thrown or given as a cause and is no error. */
function describe(value: unknown): string {
  return typeof value === 'string' ? value : inspect(value, { depth: 1, breakLength: Infinity, customInspect: false });
}

/** Whether the error is a fault of prox: then where it was thrown matters at every level, down to its causes. */
function isOurs(error: Error): boolean {
  return error instanceof ProxyError && error.code === 'internal';
}

function stackFrames(error: Error): string[] {
  const frames: string[] = [];
  // The frames follow the message, which may hold anything, so they are taken from the end.
  const lines = (error.stack ?? '').split('\n');
  for (let i = lines.length - 1; i >= 0 && /^ {4}at /.test(lines[i]); i--) frames.unshift(lines[i].slice(7));
  return frames;
}
