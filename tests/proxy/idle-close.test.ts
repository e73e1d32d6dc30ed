import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';

import { head, Proxied, response } from '../testing/proxied.ts';

const POST = `${head('POST / HTTP/1.1', 'Host: a.test', 'Content-Length: 2')}hi`;

describe('a POST to an upstream that closes idle connections', () => {
  it('never fails where the upstream has shown when it closes, not even at that very moment', async () => {
    const IDLE_MS = 300;
    const proxied = await Proxied.start();
    proxied.upstream.serve(({ peer }) => {
      const timer = setTimeout(() => peer.socket.destroy(), IDLE_MS);
      peer.socket.once('data', () => clearTimeout(timer));
      return response('ok');
    });
    const clients = await Promise.all(Array.from({ length: 20 }, () => proxied.connect()));
    const failures: string[] = [];
    const post = async (index: number): Promise<void> => {
      const client = clients[index];
      client.received = '';
      client.send(POST);
      await client.until(() => /\r\n\r\n./.test(client.received), 'an answer');
      if (!client.received.startsWith('HTTP/1.1 200')) failures.push(client.received.slice(0, 12));
    };
    await post(0);
    const peer = await proxied.upstream.peer();
    await peer.gone();
    // Each request follows the answer of the one before by what the upstream waits, a little less or more.
    for (let round = 0; round < 5; round++) {
      await Promise.all(
        clients.map(async (_, i) => {
          await delay(IDLE_MS - 5 + i / 2);
          await post(i);
        }),
      );
    }
    expect(failures).toEqual([]);
    for (const client of clients) client.destroy();
    await proxied.stop();
  });
});
