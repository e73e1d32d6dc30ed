import { describe, expect, it } from 'vitest';
import { Connection, IDLE_HANDLER } from '../../transport/index.ts';
import { asSocket, memoryPair } from '../../transport/testing/memory-socket.ts';
import { MemoryHost, MemorySlot } from '../testing/memory-host.ts';
import { SessionSpeed } from '../session-speed.ts';
import { HeadIntake } from './head-intake.ts';
import type { Http1Exchange } from './http1-exchange.ts';
import { type RequestOwner, RequestReader } from './request-reader.ts';

/** Takes every head and answers nothing; a request with a body is said to have five bytes. */
class Owner implements RequestOwner {
  readonly events: string[] = [];
  readonly mayBegin = true;
  readonly reader: RequestReader;

  constructor() {
    const slot = new MemorySlot(new MemoryHost());
    const connection = new Connection(asSocket(memoryPair().accepted), slot.deadlines, IDLE_HANDLER);
    const heads = new HeadIntake(slot, connection, { bytesIn: 0, onBound() {} });
    this.reader = new RequestReader(connection, heads, new SessionSpeed(() => {}), this);
  }

  requestBegins(): void {
    this.events.push('begins');
  }

  headIncomplete(): void {
    this.events.push('incomplete');
  }

  headComplete(): void {
    this.events.push('head');
    this.reader.headTaken();
    if (this.reader.heads.reader.method === 'POST') this.reader.expectBody(EXCHANGE, 5, 0);
  }

  bodyCame(bytes: number): void {
    this.events.push(`body ${bytes}`);
  }

  bodyComplete(bytes: number): void {
    this.events.push(`last ${bytes}`);
  }

  discarded(): void {
    this.events.push('discarded');
  }

  discardOver(): void {
    this.events.push('discard over');
  }

  readOver(): void {}

  bytesKept(): void {
    this.events.push('kept');
  }

  clientEnded(): void {
    this.events.push('ended');
  }

  refuse(thrown: unknown, inOrder: boolean): void {
    this.events.push(`refuse ${String((thrown as { code?: string }).code)} ${inOrder}`);
  }

  send(text: string): void {
    const bytes = Buffer.from(text, 'latin1');
    this.reader.take(bytes, 0, bytes.length);
  }
}

const EXCHANGE = { handler: null } as unknown as Http1Exchange;
const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const POST = 'POST / HTTP/1.1\r\nHost: a\r\n\r\n';

describe('the reader of requests', () => {
  it('goes from request to request', () => {
    const owner = new Owner();
    owner.send('GET / HT');
    owner.send('TP/1.1\r\nHost: a\r\n\r\n');
    expect(owner.events.splice(0)).toEqual(['begins', 'incomplete', 'head']);
    expect(owner.reader.responseOver()).toBe(true);
    owner.send(POST + '123');
    expect(owner.events.splice(0)).toEqual(['begins', 'head', 'kept']);
    owner.reader.body.paused = false;
    owner.reader.goOn();
    owner.send('45');
    expect(owner.events.splice(0)).toEqual(['body 3', 'last 2']);
  });

  it('keeps what comes behind a request until the response is over', () => {
    const owner = new Owner();
    owner.send(GET + GET);
    expect(owner.events.splice(0)).toEqual(['begins', 'head', 'kept']);
    expect(owner.reader.empty).toBe(false);
    owner.reader.responseOver();
    owner.reader.goOn();
    expect(owner.events.splice(0)).toEqual(['begins', 'head']);
    expect(owner.reader.empty).toBe(true);
  });

  it('reads over the rest of a body whose response is over', () => {
    const owner = new Owner();
    owner.send(POST);
    expect(owner.reader.responseOver()).toBe(false);
    owner.send('123');
    owner.send('45' + GET);
    expect(owner.events.splice(0)).toEqual(['begins', 'head', 'discarded', 'discard over', 'begins', 'head']);
  });

  it('tells the end of the client behind what it has sent', () => {
    const owner = new Owner();
    owner.send(GET + GET);
    owner.reader.end();
    expect(owner.events.splice(0)).toEqual(['begins', 'head', 'kept']);
    expect([owner.reader.ended, owner.reader.nothingBehind]).toEqual([true, false]);
    owner.reader.responseOver();
    owner.reader.goOn();
    expect(owner.reader.nothingBehind).toBe(true);
    owner.reader.responseOver();
    owner.reader.goOn();
    expect(owner.events.splice(0)).toEqual(['begins', 'head', 'ended']);
  });

  it('throws away what comes behind the end of the connection', () => {
    const owner = new Owner();
    owner.send(GET + GET);
    owner.reader.linger();
    owner.reader.goOn();
    owner.send(GET);
    expect(owner.events).toEqual(['begins', 'head', 'kept']);
  });

  it('does not understand what follows a fault, and says where the fault is', () => {
    const owner = new Owner();
    owner.send(`nonsense\r\n\r\n${GET}`);
    expect(owner.events).toEqual(['begins', expect.stringMatching(/^refuse bad_\w+ false$/)]);
  });
});

describe('a transition that is not drawn', () => {
  const waiting = (owner: Owner): void => owner.send(GET);
  const body = (owner: Owner): void => owner.send(POST);
  const idle = (): void => {};
  const lingering = (owner: Owner): void => owner.reader.linger();
  const closed = (owner: Owner): void => owner.reader.close();

  it.each<[string, (owner: Owner) => void, (owner: Owner) => unknown]>([
    ['a head that was taken twice', waiting, ({ reader }) => reader.headTaken()],
    ['a response without a request', idle, ({ reader }) => reader.responseOver()],
    ['a body without a request', idle, ({ reader }) => reader.expectBody(EXCHANGE, 5, 0)],
    ['a tunnel inside of a body', body, ({ reader }) => reader.startTunnel(EXCHANGE)],
    ['a tunnel behind the last response', lingering, ({ reader }) => reader.startTunnel(EXCHANGE)],
    ['a response behind the last one', lingering, ({ reader }) => reader.responseOver()],
    ['the end of what is closed', closed, ({ reader }) => reader.linger()],
  ])('is an error: %s', (_, prepare, act) => {
    const owner = new Owner();
    prepare(owner);
    expect(() => act(owner)).toThrow(/the state of reading is \d, and \d cannot follow/);
  });
});
