import type { Socket } from 'node:net';
import { beforeEach, describe, expect, it } from 'vitest';
import { Deadlines } from '../base/index.ts';
import { StallWatch } from './stall-watch.ts';

const PATIENCE_MS = 10_000;
/** The coarse clock is late by so much at most. */
const LATE_MS = 200;

describe.each([
  ['tells how far a write is', true],
  ['tells only when a write is over', false],
])('a socket that %s', (_, tells) => {
  let now: number;
  let given: number;
  let stalledAt: number;
  let deadlines: Deadlines;
  let handle: { writeQueueSize?: number };
  let socket: { writableLength: number; _handle: object };
  let watch: StallWatch;

  beforeEach(() => {
    now = 0;
    given = 1000;
    stalledAt = -1;
    deadlines = new Deadlines(() => now);
    handle = tells ? { writeQueueSize: 900 } : {};
    socket = { writableLength: 1000, _handle: handle };
    const fake = socket as unknown as Socket;
    watch = new StallWatch(
      fake,
      fake,
      deadlines,
      () => given,
      () => (stalledAt = now),
    );
    watch.start(PATIENCE_MS);
  });

  /** Lets time pass, and something happen every second. */
  const pass = (milliseconds: number, eachSecond: () => void = () => {}): void => {
    for (const end = now + milliseconds; now < end;) {
      now += 50;
      if (now % 1000 === 0) eachSecond();
      deadlines.tick();
    }
  };

  it('is stalled when its peer has taken nothing for so long: not before, and not at twice the time', () => {
    pass(PATIENCE_MS - 50);
    expect(stalledAt).toBe(-1);
    pass(LATE_MS);
    expect(stalledAt).toBeGreaterThanOrEqual(PATIENCE_MS);
  });

  it('is stalled whatever is added to what waits', () => {
    pass(PATIENCE_MS + LATE_MS, () => {
      given += 10;
      socket.writableLength += 10;
    });
    expect(stalledAt).toBeGreaterThanOrEqual(PATIENCE_MS);
  });

  it('is not stalled as long as some of it leaves', () => {
    pass(5 * PATIENCE_MS, () => {
      if (tells) (handle.writeQueueSize as number)--;
      else socket.writableLength--;
    });
    expect(stalledAt).toBe(-1);
    pass(1.25 * PATIENCE_MS + LATE_MS);
    expect(stalledAt).toBeGreaterThan(5 * PATIENCE_MS);
  });

  it('is not stalled when everything has left', () => {
    pass(PATIENCE_MS / 2);
    socket.writableLength = 0;
    pass(2 * PATIENCE_MS);
    expect(stalledAt).toBe(-1);
  });

  it('is watched anew when something waits again', () => {
    pass(PATIENCE_MS / 2);
    watch.stop();
    watch.start(PATIENCE_MS);
    pass(PATIENCE_MS - 50);
    expect(stalledAt).toBe(-1);
    pass(LATE_MS);
    expect(stalledAt).toBeGreaterThanOrEqual(1.5 * PATIENCE_MS);
  });

  it('is not watched when it is gone', () => {
    watch.close();
    pass(2 * PATIENCE_MS);
    expect(stalledAt).toBe(-1);
  });
});
