import { describe, expect, it } from 'vitest';
import { ProxyError } from '../../base/index.ts';
import type { Http2Session } from './http2-session.ts';
import { SessionPool, type SessionDialer } from './session-pool.ts';
import type { UpstreamLink } from '../upstream-link.ts';

type DialDone = (error: ProxyError | null, session: Http2Session | null) => void;

/** A session that counts its streams, and nothing else. */
class FakeSession {
  active = 0;
  retired = false;
  readonly capacity: number;
  constructor(capacity: number) {
    this.capacity = capacity;
  }
  get hasRoom(): boolean {
    return !this.retired && this.active < this.capacity;
  }
  open(): UpstreamLink {
    this.active++;
    return { session: this } as unknown as UpstreamLink;
  }
  retire(): void {
    this.retired = true;
  }
}

/** A pool whose dials end when the test says so. */
class Bench implements SessionDialer {
  readonly pool = new SessionPool(this);
  readonly dials: DialDone[] = [];
  cancelled = 0;
  idle = 0;
  alone = 0;
  /** What every request got, in the order of getting. */
  readonly got: string[] = [];

  dialSession(done: DialDone): { cancel(): void } {
    this.dials.push(done);
    return { cancel: () => this.cancelled++ };
  }

  onSessionFault(): void {}

  onSessionIdle(): void {
    this.idle++;
  }

  dialAlone(): { cancel(): void } {
    this.alone++;
    return { cancel: () => this.cancelled++ };
  }

  ask(name: string): { cancel(): void } {
    return this.pool.acquire((error, link) =>
      this.got.push(`${name} ${error?.code ?? (link === null ? 'none' : 'stream')}`),
    );
  }

  askMany(count: number): void {
    for (let i = 0; i < count; i++) this.ask(String(i));
  }

  opens(dial: number, capacity = 100): FakeSession {
    const session = new FakeSession(capacity);
    this.dials[dial]?.(null, session as unknown as Http2Session);
    return session;
  }
}

describe('SessionPool', () => {
  it('dials once for those that fit on a session, and once more for each further hundred', () => {
    const bench = new Bench();
    bench.askMany(100);
    expect(bench.dials.length).toBe(1);
    bench.askMany(1);
    expect(bench.dials.length).toBe(2);
  });

  it('serves those that wait in their order, and dials for the rest', () => {
    const bench = new Bench();
    bench.askMany(5);
    const session = bench.opens(0, 2);
    expect([bench.got, session.active]).toEqual([['0 stream', '1 stream'], 2]);
    // Three wait, and a session takes two.
    expect(bench.dials.length).toBe(3);
    bench.opens(1, 2);
    bench.opens(2, 2);
    expect(bench.got.length).toBe(5);
  });

  it('gives the room of a stream that is over to the one that waits', () => {
    const bench = new Bench();
    bench.ask('a');
    const session = bench.opens(0, 1);
    bench.ask('b');
    session.active--;
    bench.pool.onRoom(session as unknown as Http2Session);
    expect(bench.got).toEqual(['a stream', 'b stream']);
  });

  it('takes no stream of a session that has retired or gone', () => {
    const bench = new Bench();
    bench.ask('a');
    const session = bench.opens(0);
    expect(bench.pool.take()).not.toBeNull();
    bench.pool.onRetired(session as unknown as Http2Session);
    expect(bench.pool.take()).toBeNull();
  });

  it('fails all that wait with the last dial that fails', () => {
    const bench = new Bench();
    bench.askMany(101);
    const error = new ProxyError('dial_failed', 'refused');
    bench.dials[0]?.(error, null);
    expect(bench.got.length).toBe(0);
    bench.dials[1]?.(error, null);
    expect(new Set(bench.got.map((line) => line.split(' ')[1]))).toEqual(new Set(['dial_failed']));
    expect(bench.got.length).toBe(101);
  });

  it('cancels a dial for which no request waits any more', () => {
    const bench = new Bench();
    const [a, b] = [bench.ask('a'), bench.ask('b')];
    a.cancel();
    expect(bench.cancelled).toBe(0);
    b.cancel();
    expect(bench.cancelled).toBe(1);
    bench.ask('c');
    expect(bench.dials.length).toBe(2);
  });

  it('lets each request dial alone after the upstream has chosen HTTP/1.1', () => {
    const bench = new Bench();
    bench.askMany(3);
    bench.dials[0]?.(null, null);
    expect(bench.pool.give({} as UpstreamLink)).toBe(true);
    bench.pool.dissolve();
    expect([bench.got, bench.alone]).toEqual([['0 stream'], 2]);
    expect(bench.pool.give({} as UpstreamLink)).toBe(false);
  });

  it('reports a session as idle if no request waited for it', () => {
    const bench = new Bench();
    bench.ask('a').cancel();
    bench.opens(0);
    expect(bench.idle).toBe(1);
  });
});
