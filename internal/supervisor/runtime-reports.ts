import type { ProxyError } from '../base/index.ts';
import type { FailureSubject } from '../exchange/index.ts';
import { levelOf, type Logger, requestIds } from '../logger/index.ts';
import type { RuntimeEvents } from '../runtime/index.ts';

/** What a runtime reports, written to the log. */
export function reportsTo(logger: Logger): RuntimeEvents {
  return {
    exchangeFailed: (subject, error) => {
      const level = levelOf(error);
      if (!logger.enabled(level)) return;
      logger.log(level, subject.method === undefined ? 'relay failed' : 'exchange failed', about(subject, error));
    },
    sessionBroken: (client, error) => logger.error('session lost', { client, error }),
    connectionRefused: ({ level, ...refusal }) => logger.log(level, 'connection refused', refusal),
    unreachable: (subject, error) => logger.warn('upstream not reached, another one is tried', about(subject, error)),
    upstreamSessionEnded: (upstream, error) => logger.warn('upstream session ended', { upstream, error }),
    noSystemRoots: () =>
      logger.warn('the system has no root certificates; https upstreams are verified against those of Node.js'),
    descriptorsUsedUp: (facts) =>
      logger.warn('descriptors are used up; new connections wait until others close', facts),
    acceptFailed: (service, error) => logger.error('connection not accepted', { service, error }),
    failedLater: (error) => logger.error('clean-up failed', { error }),
  };
}

function about(subject: FailureSubject, error: ProxyError): Record<string, unknown> {
  const { route, clientAddress, method, host, path, record } = subject;
  return {
    request_id: record?.requestId ?? idOf(subject),
    route: route.id,
    client: clientAddress,
    method,
    host,
    path,
    upstream: error.upstream ?? record?.upstream ?? undefined,
    error,
  };
}

/** Ids of those without an access record, so that the lines about one of them belong together. */
const ids = new WeakMap<FailureSubject, string>();

function idOf(subject: FailureSubject): string {
  const id = ids.get(subject) ?? requestIds.next();
  ids.set(subject, id);
  return id;
}
