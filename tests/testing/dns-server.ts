import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';

/** What a server knows of a name: addresses, `silence` for no answer at all, or a response code. */
type Knowledge =
  | { readonly addresses: readonly string[]; readonly ttl: number }
  | 'silence'
  | { readonly code: keyof typeof CODES };

/** Response codes (RFC 1035 §4.1.1). */
const CODES = { servfail: 2, nxdomain: 3, refused: 5 } as const;

const A = 1;
const AAAA = 28;

/** Where the question begins, behind the header (RFC 1035 §4.1). */
const QUESTION = 12;

export interface Question {
  readonly name: string;
  readonly type: 'A' | 'AAAA' | 'other';
}

/** A DNS server on loopback UDP that knows what the test tells it. A name that it was not told of does not exist. */
export class TestDnsServer {
  readonly questions: Question[] = [];
  readonly address: string;
  private readonly socket: Socket;
  private readonly names = new Map<string, Knowledge>();
  private readonly unanswered = new Set<Question['type']>();

  private constructor(socket: Socket) {
    this.socket = socket;
    this.address = `127.0.0.1:${socket.address().port}`;
    socket.on('message', (message, from) => this.socketOnMessage(message, from));
  }

  static async start(): Promise<TestDnsServer> {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new TestDnsServer(socket);
  }

  /** The name has these addresses from now on. */
  set(name: string, addresses: readonly string[], ttl: number): void {
    this.names.set(name, { addresses, ttl });
  }

  /** Questions for the name are not answered any more. */
  silence(name: string): void {
    this.names.set(name, 'silence');
  }

  /** Questions of that type are not answered, whatever the name is. */
  silenceType(type: Question['type']): void {
    this.unanswered.add(type);
  }

  /** Questions for the name are refused with a code. */
  refuse(name: string, code: keyof typeof CODES): void {
    this.names.set(name, { code });
  }

  /** How often a name was asked for. */
  asked(name: string, type: Question['type'] = 'A'): number {
    return this.questions.filter((question) => question.name === name && question.type === type).length;
  }

  async stop(): Promise<void> {
    this.socket.close();
    await once(this.socket, 'close');
  }

  private socketOnMessage(message: Buffer, from: RemoteInfo): void {
    const { name, type, end } = readQuestion(message);
    const kind = type === A ? 'A' : type === AAAA ? 'AAAA' : 'other';
    this.questions.push({ name, type: kind });
    if (this.unanswered.has(kind)) return;
    const known = this.names.get(name) ?? { code: 'nxdomain' };
    if (known === 'silence') return;
    const addresses = 'code' in known ? [] : known.addresses.filter((one) => type === (one.includes(':') ? AAAA : A));
    const records = addresses.map((address) => record(address, type, 'code' in known ? 0 : known.ttl));
    const head = Buffer.from(message.subarray(0, QUESTION));
    // A response, authoritative, to a query that wanted recursion.
    head.writeUInt16BE(0x8580 | ('code' in known ? CODES[known.code] : 0), 2);
    head.writeUInt16BE(records.length, 6);
    head.writeUInt16BE(0, 8);
    head.writeUInt16BE(0, 10);
    const answer = Buffer.concat([head, message.subarray(QUESTION, end), ...records]);
    this.socket.send(answer, from.port, from.address);
  }
}

function readQuestion(message: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = QUESTION;
  for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), type: message.readUInt16BE(at + 1), end: at + 5 };
}

/** A resource record whose name is that of the question (RFC 1035 §4.1.3, §4.1.4). */
function record(address: string, type: number, ttl: number): Buffer {
  const data = type === A ? Buffer.from(address.split('.').map(Number)) : sixBytes(address);
  const fixed = Buffer.alloc(12);
  fixed.writeUInt16BE(0xc000 | QUESTION, 0);
  fixed.writeUInt16BE(type, 2);
  fixed.writeUInt16BE(1, 4);
  fixed.writeUInt32BE(ttl, 6);
  fixed.writeUInt16BE(data.length, 10);
  return Buffer.concat([fixed, data]);
}

function sixBytes(address: string): Buffer {
  const [before = '', after = ''] = address.split('::');
  const words = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const zeros = 8 - words(before).length - words(after).length;
  const all = [...words(before), ...Array.from({ length: zeros }, () => '0'), ...words(after)];
  return Buffer.from(all.map((word) => word.padStart(4, '0')).join(''), 'hex');
}
