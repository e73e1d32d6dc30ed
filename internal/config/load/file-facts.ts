import { readdir, readFile, stat } from 'node:fs/promises';
import { extname, join, resolve } from 'node:path';
import type { RawAction, RawProxy, RawServe, RawStatic } from '../schema/action.ts';
import type { RawResource } from '../schema/resource.ts';
import type { RawLogging } from '../schema/root.ts';
import type { RawRoute } from '../schema/route.ts';
import type { RawService } from '../schema/service.ts';
import type { Document } from '../document.ts';
import type { Project, Written } from './assemble.ts';
import type { Findings } from './findings.ts';
import { gatherLogProblems } from './log-problems.ts';
import { fileProblem, type Sources } from './sources.ts';

/** A resource is held in memory by every worker. */
export const MAX_RESOURCE_BYTES = 16 * 1024 * 1024;

/** Limit for a bundle of certificates: four times the bundle of roots of a system. */
export const MAX_PEM_BYTES = 1024 * 1024;

/** The files of a folder of certificates: pairs for some thousand names, or a home folder by mistake. */
export const MAX_PEM_FILES = 20_000;

/** What is looked at in a folder of certificates. */
const PEM_EXTENSIONS = ['.crt', '.pem', '.key'];

/** Stats at a time: enough to hide the latency of a network file system, few enough to leave threads for others. */
const CONCURRENCY = 16;

/** The file or folder at a path when the config was loaded. */
export interface FileFact {
  readonly kind: 'file' | 'folder' | 'other' | 'missing' | 'skipped';
  /** Why it cannot be read, as text; null if it can. */
  readonly problem: string | null;
  /** The content, for files that are read at load. */
  readonly bytes: Uint8Array | null;
  /** The absolute paths of the PEM files in a folder of certificates, sorted; each has a fact of its own. */
  readonly pemFiles: readonly string[];
}

/** Facts about the files that a project names. */
export interface FileFacts {
  /** By absolute path. */
  readonly files: ReadonlyMap<string, FileFact>;
  /** Why a log file cannot be opened, by its absolute path; those that can are not in it. */
  readonly logProblems: ReadonlyMap<string, string>;
  /** Absolute paths that were not checked. */
  readonly skipped: readonly string[];
}

/**
 * Checks every file that the values of a project name, because the build that follows does not wait for files.
 * @param offline checks only the files of resources, which are a part of the config
 */
export async function gatherFileFacts(project: Project, sources: Sources, offline: boolean): Promise<FileFacts> {
  const wanted = new Wanted(sources.findings);
  if (project.root !== null) wanted.logging(project.root);
  for (const action of project.actions.values()) wanted.action(action);
  for (const resource of project.resources.values()) wanted.resource(resource);
  for (const service of project.services) {
    wanted.service(service);
    for (const route of service.routes) wanted.route(route);
  }
  const facts = new Map<string, FileFact>();
  const skipped = offline ? skip(wanted, facts) : [];
  await lookAtAll(wanted.paths, facts);
  const inFolders = new Map<string, Use>();
  for (const { pemFiles } of facts.values()) {
    for (const path of pemFiles) if (!facts.has(path)) inFolders.set(path, 'pem');
  }
  await lookAtAll(inFolders, facts);
  for (const [path, use] of [...wanted.paths, ...inFolders]) {
    // prox watches the files that it reads, and missing ones, so that creating one triggers a reload.
    if (use !== 'served' || facts.get(path)?.problem !== null) sources.note(path);
  }
  return { files: facts, logProblems: await gatherLogProblems(wanted.logs, sources), skipped };
}

/** Removes the files that only the serving machine needs. @returns their paths */
function skip(wanted: Wanted, facts: Map<string, FileFact>): string[] {
  const skipped = [...wanted.logs];
  wanted.logs.clear();
  for (const [path, use] of wanted.paths) {
    if (use === 'read') continue;
    wanted.paths.delete(path);
    facts.set(path, { kind: 'skipped', problem: null, bytes: null, pemFiles: NO_FILES });
    skipped.push(path);
  }
  return skipped.toSorted();
}

async function lookAtAll(paths: ReadonlyMap<string, Use>, facts: Map<string, FileFact>): Promise<void> {
  const pending = paths.entries();
  const worker = async (): Promise<void> => {
    for (const [path, use] of pending) facts.set(path, await look(path, use));
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
}

async function look(path: string, use: Use): Promise<FileFact> {
  try {
    const stats = await stat(path);
    const kind = stats.isFile() ? 'file' : stats.isDirectory() ? 'folder' : 'other';
    const fact = { kind, problem: null, bytes: null, pemFiles: NO_FILES } as const;
    if (use === 'pem' && kind === 'folder') return await lookIntoFolder(path);
    if (use === 'served' || kind !== 'file') return fact;
    const limit = use === 'pem' ? MAX_PEM_BYTES : MAX_RESOURCE_BYTES;
    if (stats.size > limit) return { ...fact, problem: `it is larger than ${limit / 1024 / 1024} MiB` };
    return { ...fact, bytes: await readFile(path) };
  } catch (error) {
    return { kind: 'missing', problem: fileProblem(error), bytes: null, pemFiles: NO_FILES };
  }
}

async function lookIntoFolder(path: string): Promise<FileFact> {
  const names = (await readdir(path)).filter((name) => !name.startsWith('.') && PEM_EXTENSIONS.includes(extname(name)));
  const tooMany = names.length > MAX_PEM_FILES ? `it holds more than ${MAX_PEM_FILES} certificates and keys` : null;
  const pemFiles = tooMany === null ? names.toSorted().map((name) => join(path, name)) : NO_FILES;
  return { kind: 'folder', problem: tooMany, bytes: null, pemFiles };
}

const NO_FILES: readonly string[] = Object.freeze([]);

/** How a file is used: read now, read now as certificates or keys, or served to clients. */
type Use = 'read' | 'pem' | 'served';

class Wanted {
  readonly paths = new Map<string, Use>();
  readonly logs = new Set<string>();
  readonly #findings: Findings;

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  logging(root: Document): void {
    const { logging } = (root.value ?? {}) as { readonly logging?: RawLogging };
    if (typeof logging !== 'object' || (logging as unknown) === null) return;
    const written = { document: root, node: root.member(0, 'logging'), value: logging };
    this.#log(written, logging.access_log);
    this.#log(written, logging.error_log);
  }

  service(written: Written): void {
    const { tls_cert, tls_key, tls_client_ca } = written.value as RawService;
    for (const path of [tls_cert, tls_key, tls_client_ca]) this.#want(written, path, 'pem');
  }

  /** An action in place is built even where the rest of its route is broken. */
  route(written: Written): void {
    const { document, node, value } = written;
    const { action, access_log } = (value ?? {}) as Partial<RawRoute>;
    this.#log(written, access_log);
    if (typeof action === 'object') this.action({ document, node: document.member(node, 'action'), value: action });
  }

  action(written: Written): void {
    if (!this.#findings.isBroken(written.document, written.node)) this.#action(written, written.value as RawAction);
  }

  #action(written: Written, action: RawAction): void {
    this.#log(written, action.access_log);
    if (action.type === 'serve') this.#serve(written, action);
    else if (action.type === 'static') this.#static(written, action);
    else if (action.type === 'proxy') this.#proxy(written, action);
  }

  #serve(written: Written, { root, file }: RawServe): void {
    this.#want(written, root, 'served');
    this.#want(written, file, 'served');
  }

  #static(written: Written, { body_ref }: RawStatic): void {
    if (typeof body_ref === 'object') this.#want(written, body_ref.file, 'read');
  }

  #proxy(written: Written, { upstream_tls }: RawProxy): void {
    if (upstream_tls === undefined) return;
    for (const path of [upstream_tls.ca, upstream_tls.cert, upstream_tls.key]) this.#want(written, path, 'pem');
  }

  resource(written: Written): void {
    if (this.#findings.isBroken(written.document, written.node)) return;
    this.#want(written, (written.value as RawResource).file, 'read');
  }

  #log(written: Written, path: unknown): void {
    if (isPath(path) && path !== 'off') this.logs.add(resolve(written.document.folder, path));
  }

  #want(written: Written, path: unknown, use: Use): void {
    if (!isPath(path)) return;
    const absolute = resolve(written.document.folder, path);
    if (this.paths.get(absolute) !== 'read') this.paths.set(absolute, use);
  }
}

function isPath(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && !value.includes('\0');
}
