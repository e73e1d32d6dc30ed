import { Deadlines } from '../../base/index.ts';
import { connectLocally, SupervisorHub } from '../../control/index.ts';
import { Resolver } from '../../resolver/index.ts';
import { Pools } from '../../upstream/index.ts';
import type { CompileContext, Feature } from '../feature.ts';
import { SlotNumbers } from '../slot.ts';

/** The context that a data plane gives to the plugin `a`, for unit tests: without a daemon, workers or logs. */
export function memoryContext(feature: Pick<Feature, 'supervise'> = {}): MemoryContext {
  const hub = new SupervisorHub((message) => {
    throw new Error(message);
  });
  feature.supervise?.(hub);
  const slots = new SlotNumbers();
  const warnings: string[] = [];
  const noted: string[] = [];
  return {
    name: 'a',
    slot: () => slots.next(),
    shared: (make) => make(),
    line: connectLocally(hub),
    pools: new Pools(new Deadlines(), new Resolver(), (_, error) => {
      throw error;
    }),
    notePeers: (peers) => noted.push(...peers.map(({ key }) => key)),
    warn: (message) => warnings.push(message),
    warnings,
    noted,
  };
}

/** A context that records the warnings and peers that a feature gives to it. */
export interface MemoryContext extends CompileContext {
  readonly warnings: readonly string[];
  /** Keys of the peers that were given to `notePeers`. */
  readonly noted: readonly string[];
}
