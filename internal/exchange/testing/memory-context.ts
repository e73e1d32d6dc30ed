import { Deadlines } from '../../base/index.ts';
import { connectLocally, SupervisorHub } from '../../control/index.ts';
import { Resolver } from '../../resolver/index.ts';
import { Pools } from '../../upstream/index.ts';
import type { CompileContext, Feature } from '../feature.ts';
import { SlotNumbers } from '../slot.ts';

/** What a data plane would compile the plugin `a` with, for unit tests: without a daemon, workers or logs. */
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

/** A context, and what was told to it. */
export interface MemoryContext extends CompileContext {
  readonly warnings: readonly string[];
  /** Keys of peers. */
  readonly noted: readonly string[];
}
