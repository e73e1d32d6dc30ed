/**
 * The client behind a chain of proxies: the last address of X-Forwarded-For that is not one of ours. What stands
 * before it was written by somebody whom nobody vouches for.
 *
 * @param list the value of X-Forwarded-For, null without one
 * @param peer the address that the request came from, which is trusted
 */
export function originAddress(list: string | null, peer: string, trusts: (address: string) => boolean): string {
  let origin = peer;
  const addresses = list === null ? [] : list.split(',');
  for (let i = addresses.length - 1; i >= 0; i--) {
    const address = (addresses[i] ?? '').trim();
    if (address === '') return origin;
    origin = address;
    if (!trusts(address)) return origin;
  }
  return origin;
}
