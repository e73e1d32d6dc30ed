/** Addresses by name, from /etc/hosts. */
export type HostsTable = ReadonlyMap<string, readonly string[]>;

/**
 * Parses the text of a hosts file: an address and its names on each line. A name on several lines has all of their
 * addresses.
 */
export function parseHosts(text: string): HostsTable {
  const table = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [address = '', ...names] = line.replace(/#.*$/, '').trim().split(/\s+/);
    if (!isAddress(address)) continue;
    for (const name of names) {
      const key = name.toLowerCase().replace(/\.$/, '');
      const known = table.get(key);
      if (known === undefined) table.set(key, [address]);
      else if (!known.includes(address)) known.push(address);
    }
  }
  return table;
}

/** Whether a text is an IP address and not a name. Connecting checks the exact form. */
export function isAddress(text: string): boolean {
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(text) || /^[0-9a-f.]*:[0-9a-f:.]*(%\S+)?$/i.test(text);
}
