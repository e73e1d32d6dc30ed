import { describe, expect, it } from 'vitest';
import { ProxyError } from '../../base/index.ts';
import { BodyStage, type Filter, FlushResult } from '../../exchange/index.ts';
import { settled } from '../../transport/testing/memory-client.ts';
import { bodies, codeOf, connect, get } from '../testing/http1-client.ts';
import { ECHO } from '../testing/memory-host.ts';

/** Holds a body until it is told to let go. */
class HeldBody extends BodyStage {
  private readonly pieces: Buffer[] = [];

  write(buffer: Buffer, start: number, end: number): void {
    this.pieces.push(Buffer.from(buffer.subarray(start, end)));
  }

  override end(): FlushResult {
    return FlushResult.pending;
  }

  release(): void {
    for (const piece of this.pieces.splice(0)) this.next.write(piece, 0, piece.length);
    this.next.end(null);
  }
}

describe('an error whose body leaves later', () => {
  it('comes whole to a client that has ended its side meanwhile', async () => {
    const held = new HeldBody();
    const filter: Filter = { onResponse: (_, response) => response.addStage(() => held) };
    const { client } = connect({ filters: [filter] });
    await client.send(get('/', 'Content-Length: x'));
    await client.end();
    held.release();
    await settled();
    expect(codeOf(client.received)).toBe('bad_content_length');
    expect([client.closed, client.reset]).toEqual([true, false]);
  });
});

describe('a client that goes', () => {
  it('is told to the action, which owes nothing any more', async () => {
    const { client, host, slot } = connect();
    await client.send(get('/'));
    await client.break();
    expect(host.last.events).toEqual(['abort client_closed']);
    expect(host.underWay).toBe(0);
    expect(slot.sessions.size).toBe(0);
  });

  it('between requests ends the session and nothing else', async () => {
    const { client, host, slot } = connect({ action: ECHO });
    await client.send(get('/'));
    await client.end();
    expect(client.closed).toBe(true);
    expect(slot.sessions.size).toBe(0);
    expect(host.reports).toEqual([]);
  });
});

describe('a listener that goes away', () => {
  it('lets an exchange finish, and says that the connection ends', async () => {
    const { client, host, slot } = connect();
    await client.send(get('/1') + get('/2'));
    slot.drain();
    host.last.respond(200, 'last');
    await settled();
    expect(client.received).toContain('\r\nConnection: close\r\n');
    expect(bodies(client.received)).toEqual(['last']);
    expect(client.ended).toBe(true);
  });

  it('leaves an idle connection half a second for the request that is on its way', async () => {
    const { client, slot } = connect({ action: ECHO });
    await client.send(get('/1'));
    slot.drain();
    slot.clock.pass(300);
    await client.send(get('/2'));
    expect(bodies(client.received)).toEqual(['GET /1 \n', 'GET /2 \n']);
    expect(client.closed || client.ended).toBe(true);
    const idle = connect({ action: ECHO });
    idle.slot.drain();
    idle.slot.clock.pass(400);
    await settled();
    expect(idle.client.ended).toBe(false);
    idle.slot.clock.pass(400);
    await settled();
    expect([idle.client.ended, idle.client.received]).toEqual([true, '']);
  });

  it('cuts an exchange that is not over in time, so that the client cannot take what it has for all', async () => {
    const { client, host, slot } = connect();
    await client.send(get('/'));
    slot.kill(new ProxyError('shutting_down', 'time is up'));
    await settled();
    expect(host.last.events).toEqual(['abort shutting_down']);
    expect(client.reset).toBe(true);
    expect([host.underWay, slot.sessions.size]).toEqual([0, 0]);
  });
});
