import { expect, it } from 'vitest';
import { RepeatedSignal } from './repeated-signal.ts';

it.each<[string, [number, NodeJS.Signals][], boolean[]]>([
  [
    'one signal that comes twice',
    [
      [0, 'SIGINT'],
      [499, 'SIGINT'],
    ],
    [false, true],
  ],
  [
    'a second one later',
    [
      [0, 'SIGINT'],
      [500, 'SIGINT'],
    ],
    [false, false],
  ],
  [
    'a key that is held down: each is measured from the one that counted',
    [
      [0, 'SIGINT'],
      [400, 'SIGINT'],
      [600, 'SIGINT'],
    ],
    [false, true, false],
  ],
  [
    'two different ones',
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
