import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { connect } from 'node:tls';

/** Bytes of the header of a TLS record: type, version, length (RFC 8446 §5.1). */
const RECORD_HEADER = 5;

/** The ClientHello that Node sends, one record. @param serverName null sends none */
export async function clientHello(serverName: string | null, alpn: readonly string[] = []): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = connect({ port, host: '127.0.0.1', servername: serverName ?? '', ALPNProtocols: [...alpn] });
  client.on('error', () => {
    // The server does not answer it.
  });
  const [socket] = (await once(server, 'connection')) as [Socket];
  let hello = Buffer.alloc(0);
  while (hello.length < RECORD_HEADER || hello.length < RECORD_HEADER + hello.readUInt16BE(3)) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    hello = Buffer.concat([hello, chunk]);
  }
  client.destroy();
  socket.destroy();
  server.close();
  return hello;
}

/** A ClientHello of about so many bytes: with the protocols that it offers, as those with post-quantum keys are large. */
export function largeClientHello(serverName: string, bytes: number): Promise<Buffer> {
  const protocols = Array.from({ length: Math.ceil(bytes / 201) }, (_, index) => `${index}`.padStart(200, 'x'));
  return clientHello(serverName, ['http/1.1', ...protocols]);
}

/** The same handshake message over records of at most so many bytes each (RFC 8446 §5.1 allows it). */
export function inRecords(hello: Buffer, size: number): Buffer {
  const message = hello.subarray(RECORD_HEADER);
  const records: Buffer[] = [];
  for (let at = 0; at < message.length; at += size) {
    const fragment = message.subarray(at, at + size);
    const header = Buffer.from(hello.subarray(0, RECORD_HEADER));
    header.writeUInt16BE(fragment.length, 3);
    records.push(header, fragment);
  }
  return Buffer.concat(records);
}
