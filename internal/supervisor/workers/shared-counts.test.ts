import { closeSync } from 'node:fs';
import { afterEach, expect, it } from 'vitest';
import { clearCount, openSharedCounts, SharedCounts } from './shared-counts.ts';

let fd = -1;
afterEach(() => closeSync(fd));

function counts(workers: number): SharedCounts[] {
  fd = openSharedCounts() ?? -1;
  return Array.from({ length: workers }, (_, i) => new SharedCounts(fd, workers, i + 1));
}

it('a worker is ahead of the mean by more than 3, and level with it again', () => {
  const [one, two] = counts(2) as [SharedCounts, SharedCounts];
  two.note(0, true);
  one.note(7, true);
  expect(one.ahead(6)).toBe(false);
  expect(one.ahead(7)).toBe(true);
  expect(one.level(7)).toBe(false);
  two.note(5, true);
  expect(one.level(7)).toBe(true);
});

it('a worker that accepts nothing, or has ended, is not counted', () => {
  const [one, two, three] = counts(3) as [SharedCounts, SharedCounts, SharedCounts];
  two.note(0, false);
  three.note(0, true);
  expect(one.ahead(100)).toBe(true);
  clearCount(fd, 3);
  expect(one.level(100)).toBe(true);
});

it('small changes are told when they are asked to be', () => {
  const [one, two] = counts(2) as [SharedCounts, SharedCounts];
  two.note(100, true);
  two.note(103, true);
  expect(one.level(102)).toBe(true);
  two.note(96, true);
  two.note(95, true);
  two.flush();
  expect(one.level(98)).toBe(false);
});
