import type { ErrorCode, ProxyError } from '../base/index.ts';
import { type FailureSubject, givenRequestId } from '../exchange/index.ts';
import { levelOf, type Logger, type LogLevel, requestIds } from '../logger/index.ts';
import type { GenerationEvents } from './generations.ts';
import { RepeatedFailures } from './repeated-failures.ts';

/** Codes of a server that could not be reached. While it is down, each request for it ends with one of them. */
const REPEATING: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'auth_failed',
  'dial_failed',
  'dial_timeout',
  'upstream_tls',
]);

/** Counts the failures of upstreams that cannot be reached, for `reportsTo`. */
export function failuresTo(logger: Logger): RepeatedFailures {
  return new RepeatedFailures(({ message, upstream, count, last }) =>
    logger.warn(message, { upstream, failures: count, error: last }),
  );
}

/**
 * Writes the reports of a data plane to the log.
 * @param repeated made for the same logger; must be flushed after the last report
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
    sessionBroken: (client, error) => logger.error('connection lost because of a bug in prox', { client, error }),
    connectionRefused: ({ level, ...refusal }) => logger.log(level, 'connection refused', refusal),
    unreachable: (subject, error) => fail('warn', 'upstream not reached; trying the next one', subject, error),
    upstreamSessionEnded: (upstream, error) => logger.warn('upstream session ended', { upstream, error }),
    noSystemRoots: () =>
      logger.warn('the system has no root certificates; https upstreams are verified against those of Node.js'),
    descriptorsUsedUp: (facts) =>
      logger.warn('descriptors are used up; new connections wait until others close', facts),
    acceptFailed: (service, error) => logger.error('a connection could not be accepted', { service, error }),
    pluginWarned: (plugin, message, failure) => {
      if (failure === undefined) logger.warn(message, { plugin });
      else fail('warn', `${plugin}: ${message}`, failure.exchange, failure.error);
    },
    failedLater: (error) => logger.error('resources of an old config could not be released', { error }),
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

/** Ids of subjects without an access record, so that all lines about one of them have the same id. */
const ids = new WeakMap<FailureSubject, string>();

function idOf(subject: FailureSubject): string {
  const id = ids.get(subject) ?? requestIds.next();
  ids.set(subject, id);
  return id;
}
