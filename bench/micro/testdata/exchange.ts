/** Exchanges of the real class without a socket: what they write is gathered, and written to memory at each flush. */
import type { ExchangeSession } from '../../../internal/downstream/http1/http1-exchange.ts';
import type { SessionHost } from '../../../internal/downstream/index.ts';
import { FlushResult, type RouteContext } from '../../../internal/exchange/index.ts';

/** As a connection does it: one string from the parts, which is copied out in one go. */
class MemoryConnection {
  bytesWritten = 0;
  readonly remotePort = 50_000;
  readonly localAddress = '127.0.0.1';
  readonly localPort = 8080;
  readonly tls = null;
  private gathered = '';
  private readonly memory = Buffer.alloc(1 << 20);

  text(text: string): void {
    this.gathered += text;
  }

  /** A body is handed to the kernel as it is: only its length counts here. */
  bytes(_buffer: Buffer, start: number, end: number): void {
    this.flush();
    this.bytesWritten += end - start;
  }

  flush(): void {
    if (this.gathered === '') return;
    this.bytesWritten += this.memory.write(this.gathered, 0, 'latin1');
    this.gathered = '';
  }
}

/** The session of such exchanges. */
export class MemorySession {
  readonly connection = new MemoryConnection();
  readonly clientAddress = '203.0.113.7';
  readonly secure = false;

  /** What the exchange's constructor takes. */
  get asSession(): ExchangeSession {
    return this as unknown as ExchangeSession;
  }

  mustCloseAfterResponse(): boolean {
    return false;
  }

  flush(): FlushResult {
    this.connection.flush();
    return FlushResult.taken;
  }

  exchangeOver(): void {
    // The next exchange is a new one.
  }
}

const UNROUTED = { id: 'bench:0', filters: null, speed: null } as unknown as RouteContext;

/** A service without trusted proxies and without limits. */
export const SERVICE = { unrouted: UNROUTED, trusts: () => false } as unknown as SessionHost;
