import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';

export interface TlsAnswer {
  readonly status: number;
  readonly body: string;
}

/** A client that speaks HTTP/1.1 over TLS, and takes any certificate. */
export class TlsClient {
  readonly socket: TLSSocket;

  private constructor(socket: TLSSocket) {
    this.socket = socket;
  }

  /** @param serverName empty sends none */
  static async connect(port: number, serverName: string): Promise<TlsClient> {
    const socket = connect({ port, host: '127.0.0.1', servername: serverName, rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    return new TlsClient(socket);
  }

  /** The name in the certificate of the server. */
  get certificateName(): string {
    return String(this.socket.getPeerCertificate().subject.CN);
  }

  /** Sends one request, the last of its connection. Rejects when no whole answer comes. */
  async get(path: string, host: string): Promise<TlsAnswer> {
    const { socket } = this;
    let received = '';
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => (received += chunk));
    socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    await once(socket, 'close');
    const [, status, body] = /^HTTP\/1\.1 (\d+) [^]*?\r\n\r\n([^]*)$/.exec(received) ?? [];
    if (status === undefined || body === undefined) throw new Error(`no answer: ${JSON.stringify(received)}`);
    return { status: Number(status), body };
  }
}
