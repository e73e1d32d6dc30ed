import type { Balancer } from '../balancing/index.ts';
import type { ProxyError } from '../base/index.ts';
import type { ProxyProtocolVersion } from '../config/index.ts';
import type { Action, Exchange } from '../exchange/index.ts';
import type { Peer, PoolOptions, Pools, UpstreamTimeouts } from '../upstream/index.ts';
import type { RequestEdits } from './upstream-fields.ts';

/** A proxy action as one route uses it: everything that does not change from one exchange to the next. */
export interface ProxyRoute {
  readonly pools: Pools;
  readonly poolOptions: PoolOptions;
  readonly timeouts: UpstreamTimeouts;
  /** For requests whose response may begin with silence of any length. */
  readonly silentStartTimeouts: UpstreamTimeouts;
  readonly balancer: Balancer | null;
  readonly edits: RequestEdits;
  readonly fallback: Action | null;
  readonly stream: boolean;
  /** A CONNECT is answered here, and its bytes go to the upstream as they are; else it is sent on as a request. */
  readonly answersConnect: boolean;
  /** The PROXY header that each connection begins with; null for none. */
  readonly proxyProtocol: ProxyProtocolVersion | null;
  /** The peer for a target; for an upstream without `{target}` there is one, whatever the argument. */
  peerOf(target: string): Peer;
  /** Logs that an upstream was not reached, though the exchange goes on elsewhere. */
  unreachable(exchange: Exchange, error: ProxyError): void;
}
