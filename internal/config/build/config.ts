import type { AdminConfig, Config, LoggingConfig, LogLevel, ResolverConfig, ServiceConfig } from '../config.ts';
import type { Project, Written, WrittenService } from '../load/assemble.ts';
import type { FileFacts } from '../load/file-facts.ts';
import type { Findings } from '../load/findings.ts';
import type { PluginKinds } from '../schema/plugin.ts';
import type { RawLogging, RawRoot } from '../schema/root.ts';
import { parseByteSize } from '../value/byte-size.ts';
import { parseDuration } from '../value/duration.ts';
import { parseListenAddress } from '../value/listen-address.ts';
import { checkFallbackCircles, namedAction } from './action.ts';
import { absolute, type BuildContext, logFile, reportMissing } from './context.ts';
import { PluginRegistry } from './plugin-registry.ts';
import { namedResource } from './resource.ts';
import { buildService, checkListenClashes, type Listening } from './service.ts';

/** A config without the lists of its files and without its warnings. */
export type BuiltConfig = Omit<Config, 'files' | 'skipped' | 'warnings'>;

/** Builds the config from what was read. The result counts only when the findings stay empty. */
export async function buildConfig(
  project: Project,
  findings: Findings,
  { files, logProblems }: FileFacts,
  kinds: PluginKinds,
): Promise<BuiltConfig> {
  const plugins = new PluginRegistry(project, findings, kinds);
  plugins.buildDeclared();
  const root = rootParts(project, findings);
  const context: BuildContext = {
    project,
    findings,
    facts: files,
    logProblems,
    plugins,
    actions: new Map(),
    resources: new Map(),
    placeholders: new Map(),
    addresses: new Set(),
    logs: new Map(),
  };
  checkFallbackCircles(context);
  // Shared actions and resources are checked even if no route uses them.
  for (const [name, written] of project.actions) namedAction(context, name, written, []);
  for (const [name, written] of project.resources) namedResource(context, name, written, []);
  const services: ServiceConfig[] = [];
  const listening: Listening[] = [];
  for (const written of project.services) {
    const service = await buildService(context, written);
    if (service !== null) services.push(service);
    const address = service?.listen;
    if (address !== undefined) listening.push({ address, owner: `the service \`${written.name}\``, written });
  }
  const admin = root.admin === null ? null : buildAdmin(root.admin);
  if (admin !== null) listening.push({ address: admin.listen, owner: '`admin`', written: root.admin as Written });
  checkListenClashes(context, listening);
  checkServices(context, project.services);
  const logging = buildLogging(context, root.logging);
  return {
    services: Object.freeze(services),
    logging,
    resolver: buildResolver(root.resolver),
    plugins: plugins.configs(),
    admin,
    logs: Object.freeze(Object.fromEntries(context.logs)),
  };
}

interface RootParts {
  readonly logging: Written | null;
  readonly resolver: Written | null;
  readonly admin: Written | null;
}

/** The parts of the root file that can be built. */
function rootParts({ root }: Project, findings: Findings): RootParts {
  const part = (key: keyof RootParts): Written | null => {
    const node = root === null ? -1 : root.member(0, key);
    if (root === null || node < 0 || findings.isBroken(root, node)) return null;
    const value = (root.value as RawRoot)[key];
    return value === undefined ? null : { document: root, node, value };
  };
  return { logging: part('logging'), resolver: part('resolver'), admin: part('admin') };
}

function checkServices(context: BuildContext, services: readonly WrittenService[]): void {
  const { root } = context.project;
  if (root === null || services.length > 0 || context.findings.count > 0) return;
  const node = root.member(0, 'services');
  context.findings.add(root, node, 'expected at least one service');
}

function buildAdmin(written: Written): AdminConfig {
  const raw = written.value as NonNullable<RawRoot['admin']>;
  return Object.freeze({ listen: parseListenAddress(raw.listen), token: raw.token || null });
}

const NO_LOGGING: LoggingConfig = Object.freeze({
  level: null,
  accessLog: null,
  accessFormat: 'json',
  errorLog: null,
  rotate: null,
});

function buildLogging(context: BuildContext, written: Written | null): LoggingConfig {
  if (written === null) return NO_LOGGING;
  const raw = written.value as RawLogging;
  // `off` is for routes; here it means the same as no value.
  const path = (key: 'access_log' | 'error_log'): string | null => {
    const value = raw[key];
    return value === undefined || value === 'off' ? null : logFile(context, written, key, value);
  };
  return Object.freeze({
    level: (raw.level?.toLowerCase() as LogLevel | undefined) ?? null,
    accessLog: path('access_log'),
    accessFormat: raw.access_format ?? 'json',
    errorLog: path('error_log'),
    rotate: raw.rotate === undefined ? null : buildRotate(context, written, raw.rotate),
  });
}

function buildResolver(written: Written | null): ResolverConfig {
  const raw = (written?.value ?? {}) as NonNullable<RawRoot['resolver']>;
  const { servers, hosts, timeout, attempts } = typeof raw === 'string' ? {} : raw;
  return Object.freeze({
    system: typeof raw === 'string',
    // An empty list means the same as no value.
    servers: servers === undefined || servers.length === 0 ? null : Object.freeze([...servers]),
    hosts: hosts === undefined ? null : absolute(written as Written, hosts),
    timeout: timeout === undefined ? null : parseDuration(timeout),
    attempts: attempts ?? null,
  });
}

function buildRotate(
  context: BuildContext,
  written: Written,
  raw: NonNullable<RawLogging['rotate']>,
): LoggingConfig['rotate'] {
  const { frequency, size, keep } = raw;
  if (frequency === undefined && size === undefined)
    reportMissing(
      context,
      written,
      ['rotate'],
      'expected `frequency` or `size`: without them nothing would be rotated',
    );
  return Object.freeze({
    frequency:
      frequency === undefined || frequency === 'daily' || frequency === 'hourly'
        ? (frequency ?? null)
        : parseDuration(frequency),
    size: size === undefined ? null : parseByteSize(size),
    keep: keep ?? null,
  });
}
