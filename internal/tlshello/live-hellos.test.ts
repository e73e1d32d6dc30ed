import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { connect } from 'node:tls';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClientHelloReader } from './client-hello-reader.ts';
import { type ClientHello } from './client-hello.ts';

/** What a client offers: its own options of node:tls. */
interface Offer {
  readonly servername: string | null;
  readonly alpn: readonly string[];
  readonly maxVersion: 'TLSv1.2' | 'TLSv1.3';
}

const label = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_-]{0,20}$/);

const offer: fc.Arbitrary<Offer> = fc.record({
  servername: fc.option(fc.array(label, { minLength: 1, maxLength: 5 }).map((labels) => labels.join('.'))),
  // The names of GREASE, which are left out, are twice the same letter, such as `ZZ`.
  alpn: fc.array(
    fc.string({ minLength: 1, maxLength: 12 }).filter((name) => !/^(.)\1$/.test(name)),
    { maxLength: 8 },
  ),
  maxVersion: fc.constantFrom('TLSv1.2', 'TLSv1.3'),
});

describe('hellos of Node', () => {
  const server: Server = createServer();

  beforeAll(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });

  afterAll(() => {
    server.close();
  });

  it('are read as they were meant', async () => {
    await fc.assert(
      fc.asyncProperty(offer, async (offered) => {
        expect(await helloOf(server, offered)).toEqual(expectedOf(offered));
      }),
      { numRuns: 200 },
    );
  });
});

async function helloOf(server: Server, { servername, alpn, maxVersion }: Offer): Promise<ClientHello> {
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const client = connect({
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    ALPNProtocols: [...alpn],
    minVersion: 'TLSv1.2',
    maxVersion,
    ...(servername !== null && { servername }),
  });
  // The server hangs up in the middle of the handshake.
  client.on('error', () => {});
  const [socket] = await accepted;
  try {
    const reader = new ClientHelloReader();
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      const hello = reader.feed(chunk, 0, chunk.length);
      if (hello !== null) return hello;
    }
    throw new Error('the client closed the connection before its hello was complete');
  } finally {
    socket.destroy();
    client.destroy();
  }
}

function expectedOf({ servername, alpn, maxVersion }: Offer): ClientHello {
  return {
    serverName: servername === null ? null : servername.toLowerCase(),
    alpn,
    versions: maxVersion === 'TLSv1.2' ? [0x0303] : [0x0304, 0x0303],
  };
}
