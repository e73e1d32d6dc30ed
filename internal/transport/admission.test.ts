import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Admission, type Gated } from './admission.ts';
import { DescriptorBudget } from './descriptors.ts';

/** Connections that stay open. */
class Door implements Gated {
  regulate(): void {}
  yield(): void {}
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it('leaves clients their share where much else is open', () => {
  const budget = new DescriptorBudget(1024);
  budget.measure(400);
  expect(budget.reserve).toBe(128);
  expect(budget.maxClients).toBe(248);
});

it('accepts again when others than clients have let go of descriptors, though no client leaves', () => {
  const budget = new DescriptorBudget(256);
  budget.measure(30);
  budget.dialed = 150;
  const admission = new Admission(budget, null, () => {});
  const door = new Door();
  admission.join(door);
  while (admission.admits) admission.entered(door, false);
  vi.advanceTimersByTime(1000);
  expect(admission.admits).toBe(false);
  budget.dialed = 0;
  vi.advanceTimersByTime(1000);
  expect(admission.admits).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
});
