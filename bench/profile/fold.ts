/** Folds a CPU profile of V8 into self time by function and by group, and into stacks. */

/** Where code stands, as a profile names it: lines and columns count from 0. */
export interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
  readonly columnNumber: number;
}

/** A .cpuprofile, as the DevTools protocol defines Profiler.Profile; times in microseconds. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: CallFrame;
    readonly children?: readonly number[];
  }[];
  /** On the monotonic clock, that of `process.hrtime`. */
  readonly startTime: number;
  readonly endTime: number;
  /** The id of the node that was seen. */
  readonly samples: readonly number[];
  /** Before each sample, since the last one or the start. */
  readonly timeDeltas: readonly number[];
}

/** A place in the sources, or null when the source map has none for it. */
export type Locate = (line: number, column: number) => { readonly source: string; readonly line: number } | null;

/** The part of a profile to look at, on its clock; and the bundle that was profiled. */
export interface FoldOptions {
  readonly from: number;
  readonly to: number;
  /** How the URL of the bundle ends. */
  readonly bundle: string;
  readonly locate: Locate;
}

/** A function, or something that V8 does. */
export interface Frame {
  /** `http1/fields.ts lines`, `node:net Socket.connect`, `native writev`, `(program)`. */
  readonly name: string;
  /** `prox http1`, `npm pino`, `node:net`, `native`, `(program)`. */
  readonly group: string;
  /** Whether it is code of this repository. */
  readonly own: boolean;
}

/** Self time of something, in microseconds. */
export interface SelfTime extends Frame {
  readonly micros: number;
}

/** What came out; the longest time first. */
export interface FoldedProfile {
  /** Microseconds in the window but idle ones. */
  readonly busy: number;
  readonly idle: number;
  readonly functions: readonly SelfTime[];
  /** Each named by its group. */
  readonly groups: readonly SelfTime[];
  /** Microseconds of each stack, its frames joined by `;` from the outermost on. Idle time is left out. */
  readonly stacks: ReadonlyMap<string, number>;
}

const IDLE = '(idle)';

/** Folds the samples in the window. A sample counts for the time until the next one. */
export function foldProfile(profile: CpuProfile, options: FoldOptions): FoldedProfile {
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, frameOf(callFrame, options)]));
  const stackOf = stacksOf(profile, frames);
  const [functions, groups] = [new Map<string, SelfTime>(), new Map<string, SelfTime>()];
  const stacks = new Map<string, number>();
  let [busy, idle] = [0, 0];
  for (const [id, micros] of timesOf(profile, options)) {
    const frame = frames.get(id) as Frame;
    if (frame.name === IDLE) {
      idle += micros;
      continue;
    }
    busy += micros;
    add(functions, frame, micros);
    add(groups, { ...frame, name: frame.group }, micros);
    const stack = stackOf(id);
    stacks.set(stack, (stacks.get(stack) ?? 0) + micros);
  }
  return { busy, idle, functions: longestFirst(functions), groups: longestFirst(groups), stacks };
}

/** A line for each stack, as flame graphs are made of: frames joined by `;`, a space, microseconds. */
export function collapsed(stacks: ReadonlyMap<string, number>): string {
  const lines = [...stacks].map(([stack, micros]) => `${stack} ${Math.round(micros)}\n`);
  return lines.sort().join('');
}

/** Self time of each node in the window. */
function timesOf(
  { samples, timeDeltas, startTime, endTime }: CpuProfile,
  { from, to }: FoldOptions,
): Map<number, number> {
  const times = new Map<number, number>();
  let at = startTime;
  for (let i = 0; i < samples.length; i++) {
    at += timeDeltas[i];
    const next = i + 1 < samples.length ? at + timeDeltas[i + 1] : endTime;
    const micros = Math.min(next, to) - Math.max(at, from);
    if (micros > 0) times.set(samples[i], (times.get(samples[i]) ?? 0) + micros);
  }
  return times;
}

/** Frames from the outermost to the node, less V8's root. */
function stacksOf(profile: CpuProfile, frames: ReadonlyMap<number, Frame>): (id: number) => string {
  const parents = new Map<number, number>();
  for (const { id, children = [] } of profile.nodes) for (const child of children) parents.set(child, id);
  const known = new Map<number, string>();
  const stackOf = (id: number): string => {
    const ready = known.get(id);
    if (ready !== undefined) return ready;
    const parent = parents.get(id);
    const own = parent === undefined ? '' : (frames.get(id) as Frame).name.replaceAll(';', ',');
    const above = parent === undefined ? '' : stackOf(parent);
    const stack = above === '' ? own : `${above};${own}`;
    known.set(id, stack);
    return stack;
  };
  return stackOf;
}

function frameOf(call: CallFrame, { bundle, locate }: FoldOptions): Frame {
  const { url, functionName } = call;
  if (url.startsWith('node:')) return foreign(url, call);
  if (url === '') {
    // V8's own: (program) is native code that no function has called, the event loop's for the most part.
    if (functionName.startsWith('(') && functionName.endsWith(')')) return pseudo(functionName);
    return { name: `native ${functionName}`, group: 'native', own: false };
  }
  if (!url.endsWith(bundle)) return foreign(url.slice(url.lastIndexOf('/') + 1), call);
  const place = locate(call.lineNumber, call.columnNumber);
  if (place === null) return foreign(url.slice(url.lastIndexOf('/') + 1), call);
  return ownFrame(place.source, nameAt(functionName, place.line));
}

function pseudo(name: string): Frame {
  return { name, group: name, own: false };
}

function foreign(group: string, { functionName, lineNumber }: CallFrame): Frame {
  return { name: `${group} ${nameAt(functionName, lineNumber)}`, group, own: false };
}

/** Sources stand in the source map relative to wherever the bundle was written. */
function ownFrame(source: string, name: string): Frame {
  const [, dependency, rest] = /node_modules\/((?:@[^/]+\/)?[^/]+)\/(.*)$/.exec(source) ?? [];
  if (dependency !== undefined)
    return { name: `npm ${dependency}/${rest} ${name}`, group: `npm ${dependency}`, own: false };
  const [, path, owner] = /(?:^|\/)(?:internal\/)?(((?<=internal\/)[^/]+|cmd)\/.*)$/.exec(source) ?? [];
  if (path === undefined) return { name: `${source} ${name}`, group: source, own: true };
  return { name: `${path} ${name}`, group: `prox ${owner}`, own: true };
}

/** A function without a name is told by its line, which counts from 1 like everywhere else. */
function nameAt(functionName: string, line: number): string {
  return functionName === '' ? `(anonymous, line ${line + 1})` : functionName;
}

function add(times: Map<string, SelfTime>, frame: Frame, micros: number): void {
  times.set(frame.name, { ...frame, micros: (times.get(frame.name)?.micros ?? 0) + micros });
}

function longestFirst(times: ReadonlyMap<string, SelfTime>): SelfTime[] {
  return [...times.values()].sort((a, b) => b.micros - a.micros);
}
