import { createServer, type IncomingMessage } from 'node:http';
import { Duplex } from 'node:stream';
import { setImmediate as tick } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AGREED, differenceOf, LOOSER, occursIn, STRICTER } from './testing/differences.ts';
import { type Outcome, readFirstRequest } from './testing/first-request.ts';
import { mutatedRequest, VALID_REQUESTS } from './testing/mutations.ts';

/** A connection of node:http without a network: what the server writes is kept. */
class MemoryConnection extends Duplex {
  written = '';

  override _read(): void {
    // Bytes are given to the server with `emit`, so that it has parsed them when the call returns.
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.written += chunk.toString('latin1');
    done();
  }
}

/** llhttp as node:http runs it, strict; what is checked by node:http itself (Host) is part of it. */
class Llhttp {
  private request: IncomingMessage | null = null;
  private failure: string | null = null;
  private connection = new MemoryConnection();
  private readonly server = createServer({ insecureHTTPParser: false, maxHeaderSize: 32_768 });

  constructor() {
    const onRequest = (request: IncomingMessage): void => {
      // A first request without Host was answered by node:http itself: then this is another one.
      if (this.connection.written === '') this.request ??= request;
    };
    for (const event of ['request', 'connect', 'checkContinue', 'checkExpectation']) this.server.on(event, onRequest);
    this.server.on('clientError', (error: NodeJS.ErrnoException) => {
      this.failure ??= error.code ?? error.message;
    });
  }

  /** How the first message of the bytes is taken. */
  read(bytes: Buffer): Outcome {
    this.request = this.failure = null;
    const connection = (this.connection = new MemoryConnection());
    this.server.emit('connection', connection);
    connection.emit('data', Buffer.from(bytes));
    const outcome = this.outcome(connection);
    connection.destroy();
    return outcome;
  }

  private outcome(connection: MemoryConnection): Outcome {
    const { request } = this;
    if (request !== null && (request.complete || request.method === 'CONNECT')) {
      return {
        kind: 'accepted',
        method: request.method ?? '',
        target: request.url ?? '',
        minorVersion: request.httpVersionMinor,
        fields: pairsOf(request.rawHeaders),
        content: contentOf(request),
        trailers: pairsOf(request.rawTrailers),
      };
    }
    if (this.failure !== null) return { kind: 'refused', code: this.failure };
    // node:http itself has answered: no Host.
    if (connection.written.startsWith('HTTP/1.1 4')) return { kind: 'refused', code: connection.written.slice(9, 12) };
    return { kind: 'incomplete' };
  }
}

/** The content that was already pushed to the request, which only this test reads. Later versions of Node return it in pieces. */
function contentOf(request: IncomingMessage): string {
  let content = '';
  for (let piece: Buffer | null; (piece = request.read() as Buffer | null) !== null;)
    content += piece.toString('latin1');
  return content;
}

function pairsOf(flat: readonly string[]): [string, string][] {
  return Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i] ?? '', flat[2 * i + 1] ?? '']);
}

/** Both accept and understood the same, or neither accepts: where in the bytes a fault is noticed is a parser's choice. */
function agree(ours: Outcome, theirs: Outcome): boolean {
  if (ours.kind !== 'accepted' || theirs.kind !== 'accepted')
    return ours.kind !== 'accepted' && theirs.kind !== 'accepted';
  return JSON.stringify(ours) === JSON.stringify({ ...theirs, fields: theirs.fields.map(withoutLeadingZeros) });
}

/** A Content-Length is noted without them by us, and is the same length. */
function withoutLeadingZeros([name, value]: readonly [string, string]): readonly [string, string] {
  return [name, /^content-length$/i.test(name) ? value.replace(/^0+(?=[0-9])/, '') : value];
}

const VERSION = process.versions['llhttp'] ?? '';
const llhttp = new Llhttp();

function compare(text: string): { ours: Outcome; theirs: Outcome } {
  const bytes = Buffer.from(text, 'latin1');
  return { ours: readFirstRequest(bytes), theirs: llhttp.read(bytes) };
}

describe('our reading of requests and that of llhttp', () => {
  it.each(AGREED)('agree on %j', (text) => {
    const { ours, theirs } = compare(text);
    if (!agree(ours, theirs)) expect(ours).toEqual(theirs);
    expect(agree(ours, theirs)).toBe(true);
  });

  it.each(VALID_REQUESTS)('both accept %j', (text) => {
    const { ours, theirs } = compare(text);
    expect([ours.kind, theirs.kind]).toEqual(['accepted', 'accepted']);
  });

  const shown = [...STRICTER, ...LOOSER].flatMap((entry) =>
    entry.examples.map((text) => [entry.name, text, entry] as const),
  );
  it.each(shown)('differ as listed under "%s" on %j', (_name, text, entry) => {
    const { ours, theirs } = compare(text);
    if (occursIn(VERSION, entry)) expect(differenceOf(VERSION, text, ours, theirs)?.name).toBe(entry.name);
    else expect(agree(ours, theirs)).toBe(true);
  });

  it('differ in no way that is not listed, whatever a mutation makes of a request', async () => {
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(mutatedRequest, async (text) => {
        const { ours, theirs } = compare(text);
        if (!agree(ours, theirs) && differenceOf(VERSION, text, ours, theirs) === null) {
          throw new Error(`not listed: ${JSON.stringify({ text, ours, theirs })}`);
        }
        // Closed connections are cleared away between turns of the event loop.
        if (++runs % 256 === 0) await tick();
      }),
      { numRuns: 20_000, seed: Number(process.env['PROX_TEST_SEED'] ?? 1) },
    );
  }, 60_000);
});
