import { afterEach, describe, expect, it } from 'vitest';
import type { BuiltInPluginConfig, Config } from '../config/index.ts';
import type { CompileContext, Feature, Filter } from '../exchange/index.ts';
import { memoryContext } from '../exchange/testing/memory-context.ts';
import { CompiledPlugins } from './compile-plugins.ts';
import { PluginStates } from './plugin-states.ts';

/** A filter of the middleware `count`: what it was compiled with, and its two states. */
interface CountFilter extends Filter {
  readonly config: unknown;
  readonly context: CompileContext;
  readonly counter: Counter;
  readonly other: Counter;
}

class Counter {
  value = 0;
  disposed = 0;
  dispose(): void {
    this.disposed++;
  }
}

const disposedFilters: string[] = [];
afterEach(() => disposedFilters.splice(0));

const count: Feature = {
  category: 'count',
  schema: undefined as never,
  build: () => null,
  compile: (config, context): CountFilter => ({
    config,
    context,
    counter: context.shared(() => new Counter()),
    other: context.shared(() => new Counter()),
    dispose: () => void disposedFilters.push(context.name),
  }),
};

function plugin(config: unknown): BuiltInPluginConfig {
  return { category: 'count', config };
}

const states = new PluginStates();
const { line, pools, notePeers } = memoryContext();
const warnings: string[] = [];

function generation(plugins: Record<string, BuiltInPluginConfig>): CompiledPlugins {
  const dependencies = {
    features: [count],
    states,
    line,
    pools,
    pluginWarned: (name: string, message: string) => void warnings.push(`${name}: ${message}`),
  };
  // As it comes to a worker: nothing is the same object as before.
  return new CompiledPlugins({ plugins: structuredClone(plugins) } as unknown as Config, dependencies, notePeers);
}

function filters(plugins: CompiledPlugins, ...names: string[]): CountFilter[] {
  return plugins.all(names) as CountFilter[];
}

describe('the plugins of a generation', () => {
  it('are compiled once for all routes, in the order of the list', () => {
    const plugins = generation({ a: plugin(1), b: plugin(2), unused: plugin(3) });
    const [a, b] = filters(plugins, 'a', 'b');
    expect(filters(plugins, 'b', 'a')).toEqual([b, a]);
    expect(filters(plugins, 'a')[0]).toBe(a);
    expect([a?.config, b?.config]).toEqual([1, 2]);
    plugins.dispose();
    expect(disposedFilters).toEqual(['a', 'b']);
  });

  it('have slots of their own, and none has that of the request id', () => {
    const plugins = generation({ a: plugin(1), b: plugin(2) });
    const holder = { slots: null };
    const [a, b] = filters(plugins, 'a', 'b').map(({ context }) => context.slot<string>());
    a?.set(holder, 'a');
    b?.set(holder, 'b');
    expect([a?.get(holder), b?.get(holder), holder.slots]).toEqual(['a', 'b', [undefined, 'a', 'b']]);
    plugins.dispose();
  });

  it('warn with their name', () => {
    const plugins = generation({ a: plugin(1) });
    filters(plugins, 'a')[0]?.context.warn('careful');
    expect(warnings.splice(0)).toEqual(['a: careful']);
    plugins.dispose();
  });
});

describe('states that plugins share', () => {
  it('live on as long as name and config stay, and are told apart by their order', () => {
    const before = generation({ a: plugin({ max: 5, list: [1] }) });
    const [old] = filters(before, 'a');
    if (old === undefined) throw new Error('no filter');
    old.counter.value = 7;
    const after = generation({ a: plugin({ max: 5, list: [1] }), b: plugin({ max: 5, list: [1] }) });
    const [same, renamed] = filters(after, 'a', 'b');
    expect(same).not.toBe(old);
    expect([same?.counter, same?.other]).toEqual([old.counter, old.other]);
    expect(same?.counter).toBe(old.counter);
    expect(same?.other).not.toBe(old.counter);
    expect(renamed?.counter.value).toBe(0);
    before.dispose();
    expect(old.counter.disposed).toBe(0);
    after.dispose();
    expect([old.counter.disposed, old.other.disposed]).toEqual([1, 1]);
  });

  it('begin anew with another config, while the old generation drains with its own', () => {
    const before = generation({ a: plugin({ max: 5 }) });
    const [old] = filters(before, 'a');
    const after = generation({ a: plugin({ max: 6 }) });
    const [other] = filters(after, 'a');
    expect(other?.counter).not.toBe(old?.counter);
    before.dispose();
    expect([old?.counter.disposed, other?.counter.disposed]).toEqual([1, 0]);
    // Back to the config before, whose state is gone.
    const third = generation({ a: plugin({ max: 5 }) });
    expect(filters(third, 'a')[0]?.counter).not.toBe(old?.counter);
    after.dispose();
    third.dispose();
  });

  it('survive a generation that is prepared and rolled back', () => {
    const inForce = generation({ a: plugin(1) });
    const [old] = filters(inForce, 'a');
    const prepared = generation({ a: plugin(1) });
    filters(prepared, 'a');
    prepared.dispose();
    expect(old?.counter.disposed).toBe(0);
    inForce.dispose();
    expect(old?.counter.disposed).toBe(1);
  });
});
