/** The checked config of the `forward_auth` middleware. */
export interface ForwardAuthConfig {
  /** `http://host` or `https://host`, with a port where it is not the scheme's own. */
  readonly origin: string;
  /** Path and query of the auth request. */
  readonly target: string;
  /** Names of the client's fields that the auth server gets, in lower case; null for all that may be copied. */
  readonly requestHeaders: readonly string[] | null;
  /** Names of the answer's fields that the upstream gets, as configured. */
  readonly addHeaders: readonly string[];
  /** Milliseconds for the whole auth request. */
  readonly timeout: number;
  /** Whether a request is refused (`closed`) or passes (`open`) if the auth server gives no answer. */
  readonly fail: 'closed' | 'open';
}
