import { resolve } from 'node:path';
import type { ActionConfig, Place, Position, ResourceConfig } from '../config.ts';
import type { Project, Written } from '../load/assemble.ts';
import type { FileFact, FileFacts } from '../load/file-facts.ts';
import type { Findings } from '../load/findings.ts';
import type { PluginRegistry } from './plugin-registry.ts';

/** What the builders of one config share. */
export interface BuildContext {
  readonly project: Project;
  readonly findings: Findings;
  readonly facts: ReadonlyMap<string, FileFact>;
  readonly logProblems: FileFacts['logProblems'];
  readonly plugins: PluginRegistry;
  /** Shared actions and resources, each built once; null for one with problems. */
  readonly actions: Map<string, ActionConfig | null>;
  readonly resources: Map<string, ResourceConfig | null>;
  /** The names in each upstream template: routes tend to share them. */
  readonly placeholders: Map<string, readonly string[]>;
  /** Filled upstreams that were found to be addresses. */
  readonly addresses: Set<string>;
  /** Where each log file is named first, by its absolute path. */
  readonly logs: Map<string, Place>;
}

/** Files a problem at a part of a written value. */
export function report(context: BuildContext, written: Written, path: readonly PropertyKey[], message: string): null {
  context.findings.add(written.document, written.node, message, path);
  return null;
}

/** As `report`, for a missing key. Reports nothing next to an unknown key, which is then the mistake and was reported. */
export function reportMissing(
  context: BuildContext,
  written: Written,
  path: readonly PropertyKey[],
  message: string,
): null {
  const { document, node } = written;
  const { findings } = context;
  return findings.hasUnknownKey(document, document.follow(node, path).node)
    ? null
    : report(context, written, path, message);
}

export function isBroken(context: BuildContext, { document, node }: Written): boolean {
  return context.findings.isBroken(document, node);
}

export function positionOf({ document, node }: Written): Position {
  return document.position(document.startOf(node));
}

/** The written part of a written object; the part must be there. */
export function partOf(written: Written, key: string): Written {
  const { document, node, value } = written;
  return { document, node: document.member(node, key), value: (value as Record<string, unknown>)[key] };
}

/** Absolute form of a path that is written in a value. */
export function absolute(written: Written, path: string): string {
  return resolve(written.document.folder, path);
}

/** An access log as written: `off` stays, a path becomes absolute, nothing is null. */
export function accessLog(context: BuildContext, written: Written, value: string | undefined): string | null {
  if (value === undefined || value === 'off') return value ?? null;
  return logFile(context, written, 'access_log', value);
}

/** Absolute form of the path of a log file; a problem when no file can be made there. */
export function logFile(context: BuildContext, written: Written, key: string, value: string): string {
  const path = absolute(written, value);
  const problem = context.logProblems.get(path);
  if (problem !== undefined) report(context, written, [key], `the log file ${path} cannot be opened: ${problem}`);
  else if (!context.logs.has(path)) context.logs.set(path, placeOf(partOf(written, key)));
  return path;
}

function placeOf(written: Written): Place {
  return Object.freeze({ position: positionOf(written), path: written.document.pathOf(written.node) });
}

/** Absolute form of a path to something that must be there and of one of the kinds; null, and a problem, when it is not. Null for what was not looked at, too. */
export function existing(
  context: BuildContext,
  written: Written,
  path: readonly [string, ...string[]],
  value: string,
  kinds: readonly FileFact['kind'][],
): string | null {
  const full = absolute(written, value);
  const fact = context.facts.get(full) as FileFact;
  // A file that was not looked at counts as correct.
  if (fact.kind === 'skipped') return null;
  const words = kinds.map((kind) => `a ${kind}`).join(' or ');
  if (fact.problem !== null)
    return report(context, written, path, `expected the path of ${words}, but ${full} cannot be read: ${fact.problem}`);
  if (kinds.includes(fact.kind)) return full;
  return report(
    context,
    written,
    path,
    `expected the path of ${words}, but ${full} is ${fact.kind === 'other' ? 'neither' : `a ${fact.kind}`}`,
  );
}

/** As `existing`, for a file that only requests need: if it is missing, this is a warning. */
export function expectedLater(
  context: BuildContext,
  written: Written,
  key: 'root' | 'file',
  value: string,
  kind: FileFact['kind'],
): string | null {
  const full = absolute(written, value);
  const fact = context.facts.get(full) as FileFact;
  if (fact.kind !== 'missing') return existing(context, written, [key], value, [kind]);
  const message = `the ${kind} ${full} cannot be read: ${fact.problem}; requests get 404 until it is there`;
  context.findings.warn(written.document, written.node, message, [key]);
  return full;
}
