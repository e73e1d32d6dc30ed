import type { PluginEntry } from '../../config/index.ts';
import type { RawRequestId } from './schema.ts';

/** How a plugin of the category makes and passes on ids. */
export interface RequestIdConfig {
  readonly algorithm: 'nanoid' | 'uuid';
  /** Characters of a nanoid. */
  readonly size: number;
  readonly headerName: string;
  /** The trace id of a `traceparent` field serves as id. */
  readonly traceparent: boolean;
  /** Only requests that go to an upstream get an id. */
  readonly upstreamOnly: boolean;
}

/** Fills in the defaults. */
export function buildRequestId(raw: RawRequestId, entry: PluginEntry): RequestIdConfig {
  const { algorithm = 'uuid', size, header_name: headerName = 'X-Request-Id' } = raw;
  if (size !== undefined && algorithm !== 'nanoid')
    entry.report(['size'], '`size` goes with `algorithm: "nanoid"`; a UUID has 36 characters');
  return {
    algorithm,
    size: size ?? 8,
    headerName,
    traceparent: raw.traceparent ?? false,
    upstreamOnly: raw.step === 'proxy_upstream',
  };
}
