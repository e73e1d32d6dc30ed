import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  type ArrivingClient,
  type ConnectionDecision,
  type ConnectionVerdict,
  Run,
} from '../../internal/exchange/index.ts';
import { eventually } from '../testing/wait.ts';
import { RawClient } from '../testing/raw-client.ts';
import { PhaseHouse } from './house.ts';

const TIMES: readonly [when: string, form: (decision: ConnectionDecision) => ConnectionVerdict][] = [
  ['at once', (decision) => decision],
  ['later', (decision) => new Run(5000, () => new Promise((resolve) => setTimeout(resolve, 5, decision)))],
];

describe.each(['http/1.1', 'h2'] as const)('connections of %s', (client) => {
  let house: PhaseHouse;
  beforeAll(async () => {
    house = await PhaseHouse.start({ client, upstream: 'http/1.1' });
  });
  afterEach(() => house.reset());
  afterAll(() => house.stop());

  describe.each(TIMES)('decided %s', (_when, form) => {
    it('come in, with what they have sent meanwhile', async () => {
      const seen: ArrivingClient[] = [];
      house.filter = {
        onConnection: (arriving) => {
          seen.push(arriving);
          return form(null);
        },
      };
      expect(await house.get('/a')).toMatchObject({ status: 200, body: 'hello', broken: false });
      expect(seen).toHaveLength(1);
      expect(seen[0]).toMatchObject({ clientAddress: '127.0.0.1', localPort: house.port, serverName: null });
    });

    it('are refused, which is logged', async () => {
      house.filter = { onConnection: () => form('refuse') };
      expect(await house.get('/a')).toMatchObject({ status: 0, broken: true });
      await eventually('the log line', async () =>
        (await house.log()).some(({ msg, error }) => msg === 'connection refused' && error?.code === 'dropped'),
      );
      house.filter = {};
      expect(await house.get('/a')).toMatchObject({ status: 200 });
    });

    it('are dropped', async () => {
      const before = (await house.log()).length;
      house.filter = { onConnection: () => form('drop') };
      expect(await house.get('/a')).toMatchObject({ status: 0, broken: true });
      expect((await house.log()).length).toBe(before);
    });
  });

  it('are refused when a filter throws', async () => {
    house.filter = {
      onConnection: () => {
        throw new Error('a fault');
      },
    };
    expect(await house.get('/a')).toMatchObject({ status: 0, broken: true });
    house.filter = {};
    expect(await house.get('/a')).toMatchObject({ status: 200 });
  });

  it('that leave while a filter waits take its run with them', async () => {
    const signals: AbortSignal[] = [];
    house.filter = {
      onConnection: () =>
        new Run(10_000, (signal) => {
          signals.push(signal);
          return new Promise(() => {});
        }),
    };
    const raw = await RawClient.connect(house.port);
    const signal = await eventually('the run', () => signals[0]);
    expect(signal.aborted).toBe(false);
    raw.socket.resetAndDestroy();
    await eventually('the abort', () => signal.aborted);
  });
});
