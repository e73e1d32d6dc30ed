import { getEventListeners } from 'node:events';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ProxyError } from '../base/index.ts';
import { descriptors } from '../transport/index.ts';
import { parsePeer } from './peer.ts';
import { bench, cleanUp, codeOf, INSECURE, RawServer } from './testing/own-requests.ts';

afterEach(cleanUp);

describe('an own request that is given up', () => {
  const reason = new ProxyError('client_closed', 'the client left');

  it('before it begins: nothing is sent', async () => {
    const server = await RawServer.start(() => {});
    await expect(bench().send(server.peer, {}, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(server.sockets).toHaveLength(0);
  });

  it('says what it can of a signal with a reason of another kind', async () => {
    const server = await RawServer.start(() => {});
    expect(await codeOf(bench().send(server.peer, {}, { signal: AbortSignal.abort() }))).toBe('client_closed');
  });

  it('while it connects: the connection is given up, too', async () => {
    const server = await RawServer.start(() => {});
    const controller = new AbortController();
    const call = bench().send(server.peer, {}, { signal: controller.signal });
    controller.abort(reason);
    await expect(call).rejects.toBe(reason);
    await vi.waitFor(() => expect(descriptors.dialed).toBe(0));
    expect(server.received).toBe('');
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
  });

  it('while it waits in the handshake of TLS: the connection is given up, too', async () => {
    const server = await RawServer.start(() => {});
    const peer = parsePeer(`https://${server.peer.authority}`, INSECURE);
    const controller = new AbortController();
    const call = bench().send(peer, {}, { signal: controller.signal });
    await vi.waitFor(() => expect(server.received).not.toBe(''));
    controller.abort(reason);
    await expect(call).rejects.toBe(reason);
    await vi.waitFor(() => expect([server.open, descriptors.dialed]).toEqual([0, 0]));
  });

  it.each([
    ['when it was sent', ''],
    ['inside of the head', 'HTTP/1.1 200 OK\r\nX-A'],
    ['between an interim response and the final one', 'HTTP/1.1 103 Early Hints\r\n\r\n'],
    ['inside of the body', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1234'],
    ['inside of a chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n1234'],
  ])('%s: the connection is closed', async (_, begun) => {
    const server = await RawServer.start((socket) => socket.write(begun));
    const controller = new AbortController();
    const { send, pools } = bench();
    const call = send(server.peer, {}, { signal: controller.signal });
    await vi.waitFor(() => expect(server.received).toContain('\r\n\r\n'));
    // What the server has written is read by then.
    await vi.waitFor(() => expect(server.sockets[0].writableLength).toBe(0));
    await new Promise((resolve) => setImmediate(resolve));
    controller.abort(reason);
    await expect(call).rejects.toBe(reason);
    await vi.waitFor(() => expect([server.open, descriptors.dialed]).toEqual([0, 0]));
    expect(pools.idle).toBe(0);
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
  });

  it('after its end: nothing happens, and the signal has no listener left', async () => {
    const server = await RawServer.start((socket) => socket.write('HTTP/1.1 204 No Content\r\n\r\n'));
    const controller = new AbortController();
    const { send, pools } = bench();
    await send(server.peer, {}, { signal: controller.signal });
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
    controller.abort(reason);
    expect(pools.idle).toBe(1);
    expect(server.open).toBe(1);
  });

  it.each([
    ['no answer comes', ''],
    ['the body stops', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1234'],
    ['interim responses come for ever', 'HTTP/1.1 102 Processing\r\n\r\n'],
  ])('by its time limit when %s', async (_, begun) => {
    const server = await RawServer.start((socket) => {
      const again = setInterval(() => socket.write(begun), 20);
      socket.once('close', () => clearInterval(again));
      if (begun.includes('102')) return;
      clearInterval(again);
      socket.write(begun);
    });
    expect(await codeOf(bench().send(server.peer, {}, { timeout: 100 }))).toBe('upstream_timeout');
    await vi.waitFor(() => expect(server.open).toBe(0));
  });
});
