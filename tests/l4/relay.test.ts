import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type AccessLine, logLines } from '../testing/access-log.ts';
import { openSockets, socketsBackTo } from '../testing/health.ts';
import { Relayed } from '../testing/relayed.ts';
import { RawClient } from '../testing/raw-client.ts';

let relayed: Relayed;

beforeAll(async () => {
  relayed = await Relayed.start({ limits: { idle_timeout: '500ms', stall_timeout: '500ms' } });
});
beforeEach(() => relayed.reset());
afterAll(() => relayed.stop());

/** The line that the relay leaves which `act` opens: every relay of this file leaves one, and this is the youngest. */
async function lineOf(act: () => Promise<void>): Promise<AccessLine> {
  await act();
  const lines = await logLines(relayed.accessLog, relayed.opened);
  return lines.toSorted((one, other) => String(one['time']).localeCompare(String(other['time']))).at(-1) as AccessLine;
}

describe('a relayed connection', () => {
  it('passes bytes both ways as they are', async () => {
    const { client, peer } = await relayed.connect();
    const any = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).join('');
    peer.send(any);
    await client.sees(any);
    client.send(any);
    await peer.sees(relayed.hello.toString('latin1') + any);
  });

  it('goes on for the other direction when one side has ended: the client', async () => {
    const { client, peer } = await relayed.connect();
    client.send('last').end();
    await peer.toEnd();
    expect(peer.received.endsWith('last')).toBe(true);
    peer.send('answer behind the end').end();
    expect(await client.toEnd()).toBe('answer behind the end');
    await client.gone();
    await peer.gone();
    expect(client.reset || peer.reset).toBe(false);
  });

  it('goes on for the other direction when one side has ended: the upstream', async () => {
    const { client, peer } = await relayed.connect();
    peer.send('last').end();
    expect(await client.toEnd()).toBe('last');
    client.send('more of the client').end();
    await peer.sees('more of the client');
    await peer.gone();
    await client.gone();
    expect(client.reset || peer.reset).toBe(false);
  });

  it.each(['client', 'upstream'] as const)('is reset on the other side when the %s resets it', async (side) => {
    const line = await lineOf(async () => {
      const { client, peer } = await relayed.connect();
      const [breaks, other] = side === 'client' ? [client, peer] : [peer, client];
      breaks.socket.resetAndDestroy();
      await other.gone();
      expect(other.reset).toBe(true);
    });
    expect(line).toMatchObject({ protocol: 'tcp', error: `${side}_closed` });
  });

  it('has ended in order when the upstream resets what the client has ended, with no more than an alert', async () => {
    const line = await lineOf(async () => {
      const { client, peer } = await relayed.connect();
      client.end();
      await peer.toEnd();
      peer.send('x'.repeat(31));
      await client.sees('x'.repeat(31));
      peer.socket.resetAndDestroy();
      await client.gone();
    });
    expect(line).toMatchObject({ protocol: 'tcp', error: null });
  });

  it('has failed when the upstream breaks off in an answer, though the client has ended', async () => {
    const line = await lineOf(async () => {
      const { client, peer } = await relayed.connect();
      client.end();
      await peer.toEnd();
      peer.send('x'.repeat(65));
      await client.sees('x'.repeat(65));
      peer.socket.resetAndDestroy();
      await client.gone();
    });
    expect(line).toMatchObject({ protocol: 'tcp', error: 'upstream_closed' });
  });

  it('is closed when both sides have been silent for idle_timeout', async () => {
    const line = await lineOf(async () => {
      const { client, peer } = await relayed.connect();
      await client.toEnd();
      await peer.toEnd();
    });
    expect(line).toMatchObject({ error: 'relay_idle' });
    expect(line['duration_ms']).toBeGreaterThan(450);
  });

  it('stays open as long as one side sends', async () => {
    const { client, peer } = await relayed.connect();
    const ticks = setInterval(() => peer.send('.'), 100);
    const started = performance.now();
    await client.until(() => performance.now() - started > 1300);
    clearInterval(ticks);
    expect(client.ended || client.closed).toBe(false);
  });

  it.each(['client', 'upstream'] as const)('is cut when the %s takes nothing for stall_timeout', async (side) => {
    const line = await lineOf(async () => {
      const { client, peer } = await relayed.connect();
      const [slow, fast] = side === 'client' ? [client, peer] : [peer, client];
      slow.socket.pause();
      fast.socket.write(Buffer.alloc(64_000_000));
      await fast.gone();
      slow.socket.resume();
      await slow.gone();
    });
    expect(line).toMatchObject({ error: `${side}_stalled` });
  });

  it('is cut when a side does not take what waits, though there is room for more', async () => {
    const roomy = await Relayed.start({
      limits: { idle_timeout: '300ms', stall_timeout: '300ms', write_buffer_size: 64_000_000 },
    });
    const { client, peer } = await roomy.connect();
    client.socket.pause();
    peer.socket.write(Buffer.alloc(32_000_000));
    await peer.gone();
    expect(await logLines(roomy.accessLog, 1)).toMatchObject([{ error: 'client_stalled' }]);
    client.destroy();
    await roomy.stop();
  });

  it('leaves a line with what it moved and where to', async () => {
    const line = await lineOf(async () => {
      const { client, peer } = await relayed.connect();
      client.send('x'.repeat(1000)).end();
      await peer.toEnd();
      peer.send('y'.repeat(70_000)).end();
      await client.gone();
      await peer.gone();
    });
    expect(line).toMatchObject({
      protocol: 'tcp',
      client_addr: '127.0.0.1',
      host: 'pass.test',
      route: 'web:0',
      upstream_addr: relayed.upstream.authority,
      bytes_in: relayed.hello.length + 1000,
      bytes_out: 70_000,
      status: null,
      method: '',
      path: '',
      error: null,
    });
    expect(line['upstream_connect_ms']).toBeGreaterThan(0);
    expect(line['upstream_header_ms']).toBe(null);
  });

  it('leaves nothing behind, however it ended', async () => {
    await relayed.reset();
    await socketsBackTo(relayed.daemon, 30);
    const before = await openSockets(relayed.daemon);
    for (let round = 0; round < 40; round++) {
      const { client, peer } = await relayed.connect();
      if (round % 4 === 0) client.socket.resetAndDestroy();
      else if (round % 4 === 1) peer.socket.resetAndDestroy();
      else if (round % 4 === 2) client.destroy();
      else peer.destroy();
      if (round % 4 === 2) peer.end();
      if (round % 4 === 3) client.end();
    }
    await socketsBackTo(relayed.daemon, before);
    expect(relayed.upstream.open).toBe(0);
  });
});

describe('a client that leaves while its upstream is dialed', () => {
  it('is followed by the upstream as soon as that is there', async () => {
    const client = await RawClient.connect(relayed.daemon.port());
    client.socket.write(relayed.hello);
    client.end();
    const peer = await relayed.upstream.peer();
    expect(Buffer.from(await peer.toEnd(), 'latin1').equals(relayed.hello)).toBe(true);
  });
});
