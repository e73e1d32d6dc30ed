import type { Balancer } from '../balancing/index.ts';
import type { ProxyError } from '../base/index.ts';
import type { ProxyProtocolVersion } from '../config/index.ts';
import type { Action, Exchange } from '../exchange/index.ts';
import type { Peer, PoolOptions, Pools, UpstreamTimeouts } from '../upstream/index.ts';
import type { RequestEdits } from './upstream-fields.ts';

/** A proxy action of one route: all that stays the same from one exchange to the next. */
export interface ProxyRoute {
  readonly pools: Pools;
  readonly poolOptions: PoolOptions;
  readonly timeouts: UpstreamTimeouts;
  /** Timeouts of requests whose response may begin with silence of any length. */
  readonly silentStartTimeouts: UpstreamTimeouts;
  readonly balancer: Balancer | null;
  readonly edits: RequestEdits;
  readonly fallback: Action | null;
  readonly stream: boolean;
  /** True: prox answers a CONNECT and passes its bytes to the upstream unchanged. False: a CONNECT is forwarded as a request. */
  readonly answersConnect: boolean;
  /** The PROXY header that each connection begins with; null for none. */
  readonly proxyProtocol: ProxyProtocolVersion | null;
  /** The peer for a target. An upstream without `{target}` has one peer for every argument. */
  peerOf(target: string): Peer;
  /** Logs that an upstream was not reached and the exchange continues with another one. */
  unreachable(exchange: Exchange, error: ProxyError): void;
}
