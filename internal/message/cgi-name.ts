/**
 * A field name as CGI, WSGI and PHP read it: they make one variable of `X_Client` and `X-Client` (RFC 3875 §4.1.18). A check
 * of one name alone would let a client set that variable with the other.
 */
export function cgiName(name: string): string {
  return name.includes('_') ? name.replaceAll('_', '-') : name;
}
