import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { beforeEach, describe, expect, it } from 'vitest';
import { Deadlines } from '../base/index.ts';
import { ConnectRace, type RaceOwner } from './connect-race.ts';

class FakeSocket extends EventEmitter {
  destroyed = false;
  destroy(): void {
    this.destroyed = true;
  }
}

let now: number;
let deadlines: Deadlines;
let sockets: Map<string, FakeSocket>;
let events: string[];

beforeEach(() => {
  now = 0;
  deadlines = new Deadlines(() => now);
  sockets = new Map();
  events = [];
});

function race(...addresses: string[]): ConnectRace {
  const owner: RaceOwner = {
    connectTo(address) {
      const socket = new FakeSocket();
      sockets.set(address, socket);
      return socket as unknown as Socket;
    },
    onConnected: (_, address) => void events.push(`connected ${address}`),
    onNotConnected: (error) => void events.push(error.message),
  };
  const begun = new ConnectRace(addresses, deadlines, owner);
  begun.start();
  return begun;
}

function pass(milliseconds: number): void {
  for (const end = now + milliseconds; now < end;) {
    now += 50;
    deadlines.tick();
  }
}

const open = (): string[] => [...sockets].flatMap(([address, { destroyed }]) => (destroyed ? [] : address));

describe('a race of connections', () => {
  it('tries the next address beside one that is silent, and keeps the one that connects first', () => {
    race('a', 'b', 'c');
    expect(open()).toEqual(['a']);
    pass(450);
    expect(open()).toEqual(['a', 'b']);
    sockets.get('a')?.emit('connect');
    expect(events).toEqual(['connected a']);
    expect(open()).toEqual(['a']);
    pass(1000);
    expect([...sockets.keys()]).toEqual(['a', 'b']);
  });

  it('tries the next one at once when one refuses, and tells of all when none is left', () => {
    race('a', 'b');
    sockets.get('a')?.emit('error', new Error('a refused'));
    expect(open()).toContain('b');
    expect(events).toEqual([]);
    sockets.get('b')?.emit('error', new Error('b refused'));
    expect(events).toEqual(['a refused; b refused']);
  });

  it('tells the error of a single address as it is', () => {
    race('a');
    sockets.get('a')?.emit('error', new Error('a refused'));
    pass(1000);
    expect(events).toEqual(['a refused']);
    expect([...sockets.keys()]).toEqual(['a']);
  });

  it('waits for one that is slow when another refuses', () => {
    race('a', 'b');
    pass(450);
    sockets.get('b')?.emit('error', new Error('b refused'));
    expect(events).toEqual([]);
    sockets.get('a')?.emit('connect');
    expect(events).toEqual(['connected a']);
  });

  it('tries no more than 16', () => {
    race(...Array.from({ length: 20 }, (_, i) => `${i}`));
    pass(20_000);
    expect(sockets.size).toBe(16);
  });

  it('ends with all of its connections', () => {
    const begun = race('a', 'b', 'c');
    pass(450);
    begun.cancel();
    sockets.get('a')?.emit('connect');
    pass(1000);
    expect(open()).toEqual([]);
    expect(sockets.size).toBe(2);
    expect(events).toEqual([]);
  });
});
