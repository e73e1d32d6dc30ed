import { expect, it } from 'vitest';
import { RepeatedSignal } from './repeated-signal.ts';

it.each<[string, [number, NodeJS.Signals][], boolean[]]>([
  [
    'one signal that is delivered twice',
    [
      [0, 'SIGINT'],
      [499, 'SIGINT'],
    ],
    [false, true],
  ],
  [
    'the same signal half a second later',
    [
      [0, 'SIGINT'],
      [500, 'SIGINT'],
    ],
    [false, false],
  ],
  [
    'a key that is held down: the time counts from the last signal that was not an echo',
    [
      [0, 'SIGINT'],
      [400, 'SIGINT'],
      [600, 'SIGINT'],
    ],
    [false, true, false],
  ],
  [
    'two different signals',
    [
      [0, 'SIGINT'],
      [1, 'SIGTERM'],
    ],
    [false, false],
  ],
])('%s', (_, signals, echoes) => {
  let time = 0;
  const repeated = new RepeatedSignal(() => time);
  const seen = signals.map(([at, signal]) => {
    time = at;
    return repeated.isEcho(signal);
  });
  expect(seen).toEqual(echoes);
});
