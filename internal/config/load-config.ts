import { setImmediate } from 'node:timers/promises';
import type { Config } from './config.ts';
import { ConfigError } from './problem.ts';
import type { FeatureSchema } from './feature.ts';
import { buildConfig } from './build/config.ts';
import { assemble } from './load/assemble.ts';
import { gatherFileFacts } from './load/file-facts.ts';
import { Findings } from './load/findings.ts';
import { Sources } from './load/sources.ts';
import { PluginKinds } from './schema/plugin.ts';

/** How a config is loaded. */
export interface LoadOptions {
  /** Leaves out what only the machine that serves has. The config is for checks alone: certificates and roots are not in it. */
  readonly offline?: boolean;
}

/**
 * Loads a config: a file, or a folder of service files. The result is checked, complete and deeply frozen.
 *
 *     assemble      reads the files, checks the shape of each, splices includes and merges shared names
 *     gather        looks at every other file that is named: certificates, roots, resources
 *     build         checks what only the whole can tell, fills in defaults, resolves names and paths
 *
 * Each step gives the event loop away in between, so that a reload does not hold up requests for its whole length.
 *
 * @param features the middlewares that `plugins` may declare
 * @throws ConfigError with every problem that was found; nothing else
 */
export async function loadConfig(
  path: string,
  features: readonly FeatureSchema[],
  { offline = false }: LoadOptions = {},
): Promise<Config> {
  const kinds = new PluginKinds(features);
  const findings = new Findings();
  const sources = new Sources(findings);
  const project = await assemble(path, sources, kinds);
  const facts = await gatherFileFacts(project, sources, offline);
  await setImmediate();
  const built = await buildConfig(project, findings, facts, kinds);
  const files = Object.freeze(sources.looked);
  if (findings.count > 0) throw new ConfigError(findings.list(), files);
  const skipped = Object.freeze([...facts.skipped]);
  return Object.freeze({ ...built, files, skipped, warnings: Object.freeze([...findings.warnings]) });
}
