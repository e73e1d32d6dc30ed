import type { ConnectionSpeed, RouteSpeed } from '../../exchange/index.ts';
import type { Client } from '../received-request.ts';

/** What an exchange needs of the session that its stream belongs to. */
export interface Http2Client extends Client {
  /** Is told of a stream that is not read any more. */
  readonly windows: { watch(): void };
  /** The limits of a route for this connection. */
  speedOf(route: RouteSpeed): ConnectionSpeed;
  /** Bytes of content came on a stream: a sign of life. */
  contentReceived(bytes: number): void;
  /** Frames that wait to be sent. */
  queuedFrames(): number;
}
