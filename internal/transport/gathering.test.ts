import { beforeEach, describe, expect, it } from 'vitest';
import { Gathering, giveRoomAway } from './gathering.ts';

const BODY = Buffer.from('0123456789'.repeat(100), 'latin1');

let gathering: Gathering;

beforeEach(() => {
  gathering = new Gathering();
});

function asBytes(): string | undefined {
  return gathering.takeBytes()?.toString('latin1');
}

describe('what is gathered', () => {
  it('is text where there is text alone, or few bytes', () => {
    gathering.text('head\xff');
    gathering.bytes(BODY, 0, 3);
    gathering.text('\r\n');
    expect(gathering.length).toBe(10);
    expect(gathering.takeBytes()).toBeNull();
    expect(gathering.takeText()).toBe('head\xff012\r\n');
    expect(gathering.length).toBe(0);
  });

  it('is bytes where there are more, with the text before and behind them', () => {
    gathering.text('head\xff');
    gathering.bytes(BODY, 10, 1000);
    gathering.text('\r\n');
    expect(gathering.hasBytes).toBe(true);
    expect(gathering.length).toBe(997);
    expect(asBytes()).toBe(`head\xff${BODY.toString('latin1', 10)}\r\n`);
    expect(gathering.length).toBe(0);
    expect(gathering.takeText()).toBe('');
  });

  it('keeps its order with several pieces of bytes', () => {
    gathering.text('a');
    gathering.bytes(BODY, 0, 600);
    gathering.text('b');
    gathering.bytes(BODY, 0, 700);
    gathering.bytes(BODY, 0, 5);
    gathering.text('c');
    const text = `a${BODY.toString('latin1', 0, 600)}b${BODY.toString('latin1', 0, 700)}01234c`;
    expect(gathering.length).toBe(text.length);
    expect(asBytes() ?? gathering.takeText()).toBe(text);
  });

  it('can be had as text all the same', () => {
    gathering.bytes(BODY, 0, 1000);
    expect(gathering.takeText()).toBe(BODY.toString('latin1'));
    expect(gathering.takeBytes()).toBeNull();
  });

  it('is text when it is more than there is room for', () => {
    gathering.text('h'.repeat(24_000));
    gathering.bytes(BODY, 0, 1000);
    expect(gathering.takeBytes()).toBeNull();
    expect(gathering.takeText()).toHaveLength(25_000);
  });

  it('is forgotten when it cannot be sent any more', () => {
    gathering.text('head');
    gathering.bytes(BODY, 0, 1000);
    gathering.clear();
    expect(gathering.length).toBe(0);
    expect(gathering.takeText()).toBe('');
  });
});

describe('the room that connections share', () => {
  it('is left alone by the next bytes while it is still being written', () => {
    gathering.bytes(BODY, 0, 1000);
    const first = gathering.takeBytes();
    giveRoomAway();
    gathering.bytes(Buffer.alloc(1000, 'y'), 0, 1000);
    gathering.takeBytes();
    expect(first?.toString('latin1')).toBe(BODY.toString('latin1'));
  });
});
