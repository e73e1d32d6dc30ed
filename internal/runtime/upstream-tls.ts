import { readFile } from 'node:fs/promises';
import type { ActionConfig, Config, UpstreamTlsConfig } from '../config/index.ts';
import type { DialTls } from '../transport/index.ts';

/** The TLS settings towards upstreams, with the contents of the files that they name. */
export type UpstreamTlsSettings = ReadonlyMap<UpstreamTlsConfig, DialTls>;

/**
 * Reads the certificates and keys of every proxy action, each file once.
 * @throws Error that names a file that cannot be read
 */
export async function readUpstreamTls(config: Config): Promise<UpstreamTlsSettings> {
  const settings = new Map<UpstreamTlsConfig, DialTls>();
  const files = new Map<string, Promise<string>>();
  const read = (path: string | null): Promise<string> | null => {
    if (path === null) return null;
    const reading = files.get(path) ?? readFile(path, 'utf8');
    files.set(path, reading);
    return reading;
  };
  for (const tls of upstreamTlsConfigs(config)) {
    const [ca, cert, key] = await Promise.all([read(tls.ca), read(tls.cert), read(tls.key)]);
    settings.set(tls, { serverName: tls.serverName, insecure: tls.insecure, ca, cert, key });
  }
  return settings;
}

function upstreamTlsConfigs(config: Config): Set<UpstreamTlsConfig> {
  const found = new Set<UpstreamTlsConfig>();
  for (const service of config.services) {
    for (const route of service.routes) {
      for (let action: ActionConfig | null = route.action; action?.type === 'proxy'; action = action.fallback) {
        if (action.upstreamTls !== null) found.add(action.upstreamTls);
      }
    }
  }
  return found;
}
