import { Deadlines } from '../../base/index.ts';
import { DEFAULT_HEAD_LIMITS } from '../../http1/index.ts';
import { KEEP_ALL } from '../../message/index.ts';
import { Resolver } from '../../resolver/index.ts';
import { parsePeer, Pools } from '../../upstream/index.ts';
import { ownedNames } from '../owned-names.ts';
import type { ProxyRoute } from '../proxy-route.ts';

/** A route to a port; `parts` replaces any property of it. */
export function routeTo(port: number, parts: Partial<ProxyRoute> = {}): ProxyRoute {
  const peer = parsePeer(`127.0.0.1:${port}`);
  return {
    pools: new Pools(new Deadlines(), new Resolver()),
    poolOptions: {
      timeout: 1000,
      tlsTimeout: 1000,
      keepAlive: 0,
      readBufferSize: 1024,
      writeBufferSize: 1024,
      idleTimeout: 1000,
      maxIdle: 1,
      maxIdlePerHost: 1,
      h2ReadIdleTimeout: 0,
      h2StreamWindow: 1_048_576,
      h2ConnectionWindow: 4_194_304,
      h2PingTimeout: 0,
      headLimits: DEFAULT_HEAD_LIMITS,
    },
    timeouts: { responseHeader: 1000, stall: 1000 },
    silentStartTimeouts: { responseHeader: 0, stall: 1000 },
    balancer: null,
    edits: {
      host: null,
      preserveHost: false,
      fields: [],
      owned: ownedNames([], true),
      replaced: KEEP_ALL,
      close: false,
    },
    fallback: null,
    stream: false,
    answersConnect: false,
    proxyProtocol: null,
    peerOf: () => peer,
    unreachable: () => {},
    ...parts,
  };
}
