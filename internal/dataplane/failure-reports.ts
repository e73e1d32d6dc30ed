import type { ErrorCode, ProxyError } from '../base/index.ts';
import { type FailureSubject, givenRequestId } from '../exchange/index.ts';
import { levelOf, type Logger, type LogLevel, requestIds } from '../logger/index.ts';
import type { GenerationEvents } from './generations.ts';
import { RepeatedFailures } from './repeated-failures.ts';

/** Codes of a server that could not be reached: as long as it is down, each request for it ends with one. */
const REPEATING: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'auth_failed',
  'dial_failed',
  'dial_timeout',
  'upstream_tls',
]);

/** Makes the count of an upstream that cannot be reached, for `reportsTo`. */
export function failuresTo(logger: Logger): RepeatedFailures {
  return new RepeatedFailures(({ message, upstream, count, last }) =>
    logger.warn(message, { upstream, failures: count, error: last }),
  );
}

/**
 * What a runtime reports, written to the log.
 * @param repeated of the same logger; to be flushed when nothing is reported any more
 */
export function reportsTo(logger: Logger, repeated: RepeatedFailures): GenerationEvents {
  const fail = (level: LogLevel, message: string, subject: FailureSubject, error: ProxyError): void => {
    if (!logger.enabled(level)) return;
    const upstream = upstreamOf(subject, error);
    const alone = upstream === undefined || !REPEATING.has(error.code);
    if (alone || repeated.isFirst(message, upstream, error)) logger.log(level, message, about(subject, error));
  };
  return {
    exchangeFailed: (subject, error) =>
      fail(levelOf(error), subject.method === undefined ? 'relay failed' : 'exchange failed', subject, error),
    sessionBroken: (client, error) => logger.error('session lost', { client, error }),
    connectionRefused: ({ level, ...refusal }) => logger.log(level, 'connection refused', refusal),
    unreachable: (subject, error) => fail('warn', 'upstream not reached, another one is tried', subject, error),
    upstreamSessionEnded: (upstream, error) => logger.warn('upstream session ended', { upstream, error }),
    noSystemRoots: () =>
      logger.warn('the system has no root certificates; https upstreams are verified against those of Node.js'),
    descriptorsUsedUp: (facts) =>
      logger.warn('descriptors are used up; new connections wait until others close', facts),
    acceptFailed: (service, error) => logger.error('connection not accepted', { service, error }),
    pluginWarned: (plugin, message, failure) => {
      if (failure === undefined) logger.warn(message, { plugin });
      else fail('warn', `${plugin}: ${message}`, failure.exchange, failure.error);
    },
    failedLater: (error) => logger.error('clean-up failed', { error }),
  };
}

function about(subject: FailureSubject, error: ProxyError): Record<string, unknown> {
  const { route, clientAddress, method, host, path, record } = subject;
  return {
    request_id: record?.requestId ?? givenIdOf(subject) ?? idOf(subject),
    route: route.id,
    client: clientAddress,
    method,
    host,
    path,
    upstream: upstreamOf(subject, error),
    error,
  };
}

function upstreamOf({ record }: FailureSubject, error: ProxyError): string | undefined {
  return error.upstream ?? record?.upstream ?? undefined;
}

function givenIdOf({ slots }: FailureSubject): string | undefined {
  return slots === undefined ? undefined : givenRequestId({ slots });
}

/** Ids of those without an access record, so that the lines about one of them belong together. */
const ids = new WeakMap<FailureSubject, string>();

function idOf(subject: FailureSubject): string {
  const id = ids.get(subject) ?? requestIds.next();
  ids.set(subject, id);
  return id;
}
