import type * as z from 'zod';
import {
  checkFieldName,
  duration,
  InvalidValue,
  key,
  list,
  middleware,
  oneOf,
  parsed,
  parseDuration,
  text,
} from '../../config/index.ts';
import { isNeverCopied } from './auth-request.ts';
import { parseAuthUrl } from './auth-url.ts';
import type { ForwardAuthConfig } from './forward-auth-config.ts';

const DEFAULT_TIMEOUT_MS = 10_000;

const requestHeader = parsed(text('a header name'), checkRequestHeader);
const addedHeader = parsed(text('a header name'), checkAddedHeader);

export const forwardAuthSchema = middleware(
  'forward_auth',
  {
    auth_url: key(
      parsed(text('the URL of an auth server'), parseAuthUrl),
      { type: 'URL', required: true },
      'Where to ask: `http://` or `https://`, with a path and a query where the auth server wants them.',
    ),
    request_headers: key(
      list(requestHeader, 'a list of header names'),
      { type: 'string[]', default: 'all' },
      'Names of the fields of the client that the auth server gets, such as `Cookie` and `Authorization`; without the key all but those for one hop and those about a body. An empty list copies none.',
    ),
    add_headers: key(
      list(addedHeader, 'a list of header names'),
      { type: 'string[]', default: '[]' },
      'Names of fields of a 2xx answer that the upstream gets. What a client sends under these names never reaches the upstream.',
    ),
    timeout: key(
      duration({ min: 1, reason: 'a request cannot wait for ever' }),
      { type: 'Duration', default: '10s' },
      'Time for the whole answer of the auth server.',
    ),
    fail: key(
      oneOf(['closed', 'open']),
      { type: '`closed`, `open`', default: 'closed' },
      'What happens when the auth server gives no answer: `closed` answers 502, `open` lets the request pass.',
    ),
  },
  'Asks another server whether a request may pass.',
);

export type RawForwardAuth = z.infer<typeof forwardAuthSchema>;

/** Fills in the defaults. */
export function buildForwardAuth(raw: RawForwardAuth): ForwardAuthConfig {
  return {
    ...parseAuthUrl(raw.auth_url),
    requestHeaders: raw.request_headers?.map((name) => name.toLowerCase()) ?? null,
    addHeaders: raw.add_headers ?? [],
    timeout: raw.timeout === undefined ? DEFAULT_TIMEOUT_MS : parseDuration(raw.timeout),
    fail: raw.fail ?? 'closed',
  };
}

function checkRequestHeader(name: string): void {
  checkFieldName(name);
  if (!isNeverCopied(name.toLowerCase())) return;
  throw new InvalidValue(
    `the header ${name} cannot be copied: prox writes it itself, or it is about something that the request to the auth server does not have`,
  );
}

/** Names that prox always writes for an upstream itself, even if a filter has set them. */
const WRITTEN_FOR_UPSTREAMS: ReadonlySet<string> = new Set([
  'expect',
  'forwarded',
  'host',
  'max-forwards',
  'te',
  'trailer',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
]);

function checkAddedHeader(name: string): void {
  checkFieldName(name);
  if (WRITTEN_FOR_UPSTREAMS.has(name.toLowerCase()))
    throw new InvalidValue(`the header ${name} cannot come from an auth server: prox writes it for each upstream`);
}
