import { InvalidValue } from '../../config/index.ts';

/** The URL that auth requests go to. */
export interface AuthUrl {
  /** `http://host` or `https://host`, with a port where it is not the scheme's own. */
  readonly origin: string;
  /** Path and query. */
  readonly target: string;
}

const ALLOWED = 'a URL such as "http://127.0.0.1:9000/verify"';

/** @throws InvalidValue unless the text is an absolute http or https URL that a request can be sent to */
export function parseAuthUrl(text: string): AuthUrl {
  // The URL parser silently accepts white space, backslashes and a missing slash, which are mistakes in a config.
  if (!/^https?:\/\/[^/\\?#]+(?:[/?#]|$)/i.test(text))
    throw refusal(text, 'it does not begin with "http://" or "https://" and a host');
  if (!/^[!-~]*$/.test(text))
    throw refusal(text, 'a URL is ASCII without spaces; other characters are percent-encoded');
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null) throw refusal(text, 'the host or the port is malformed');
  if (url.username !== '' || url.password !== '') throw refusal(text, 'a user name has no place in it');
  if (url.hash !== '') throw refusal(text, 'a fragment is never sent');
  if (url.port === '0') throw refusal(text, 'the port must be from 1 to 65535');
  return { origin: `${url.protocol}//${url.host}`, target: url.pathname + url.search };
}

function refusal(text: string, why: string): InvalidValue {
  return new InvalidValue(`expected ${ALLOWED}, found ${JSON.stringify(text)}: ${why}`);
}
