import type { CompileContext, Feature } from '../../exchange/index.ts';
import { parsePeer, UpstreamClient } from '../../upstream/index.ts';
import { ForwardAuth } from './forward-auth.ts';
import type { ForwardAuthConfig } from './forward-auth-config.ts';
import { buildForwardAuth, forwardAuthSchema, type RawForwardAuth } from './schema.ts';

/** Asks another server whether a request may pass. */
export const forwardAuth: Feature<RawForwardAuth, ForwardAuthConfig> = {
  category: 'forward_auth',
  schema: forwardAuthSchema,
  build: buildForwardAuth,
  compile: (config, context) =>
    new ForwardAuth(config, {
      client: clientOf(config, context),
      cookies: context.slot(),
      notAsked: (exchange, error) =>
        context.warn('the auth server did not answer, the request passes', { exchange, error }),
    }),
};

function clientOf({ origin }: ForwardAuthConfig, context: CompileContext): UpstreamClient {
  const peer = parsePeer(origin);
  context.notePeers([peer]);
  return new UpstreamClient(context.pools, peer);
}
