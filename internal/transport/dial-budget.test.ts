import { afterEach, expect, it, vi } from 'vitest';
import { Deadlines, type ProxyError } from '../base/index.ts';
import { type LookupWaiter, Resolver } from '../resolver/index.ts';
import { descriptors } from './descriptors.ts';
import { dial, type DialOptions } from './dial.ts';
import { SYSTEM_NETWORK } from './network.ts';

const OPTIONS: DialOptions = {
  timeout: 1000,
  tlsTimeout: 1000,
  keepAlive: 0,
  readBufferSize: 0,
  writeBufferSize: 1024,
  tls: null,
};

/** Answers when it is told to. */
class LateResolver extends Resolver {
  private readonly waiters: LookupWaiter[] = [];

  override lookup(_: string, waiter: LookupWaiter): null {
    this.waiters.push(waiter);
    return null;
  }

  override leave(): void {}

  answer(address: string): void {
    for (const waiter of this.waiters.splice(0)) waiter.onAddresses([address]);
  }
}

afterEach(() => {
  vi.restoreAllMocks();
});

it('opens no socket when descriptors ran out while the name was looked up', async () => {
  const resolver = new LateResolver();
  const told = new Promise<ProxyError | null>((resolve) => {
    const address = { kind: 'tcp', host: 'slow.test', port: 1 } as const;
    dial(address, OPTIONS, { deadlines: new Deadlines(), network: SYSTEM_NETWORK, resolver }, (error) =>
      resolve(error),
    );
  });
  vi.spyOn(descriptors, 'mayDial', 'get').mockReturnValue(false);
  const before = descriptors.dialed;
  resolver.answer('127.0.0.1');
  expect(descriptors.dialed).toBe(before);
  expect(await told).toMatchObject({ code: 'dial_failed', retryable: true });
  expect((await told)?.message).toContain('file descriptors');
});
