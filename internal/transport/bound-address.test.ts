import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type BindAddress, BoundAddress } from './bound-address.ts';

let folder: string;
const closers: (() => unknown)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'prox-test-'));
});
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
  rmSync(folder, { recursive: true });
});

const tcp = (host: string | null, port = 0): BindAddress => ({ kind: 'tcp', host, port, text: `${host}:${port}` });
const unix = (path: string): BindAddress => ({ kind: 'unix', path, text: `unix://${path}` });

async function bind(address: BindAddress): Promise<BoundAddress> {
  const bound = await BoundAddress.bind(address);
  closers.push(() => bound.close());
  return bound;
}

/** Accepts from a bound address, as a worker does. */
function serve(bound: BoundAddress, text: string): Promise<Server> {
  const server = createServer((socket) => socket.on('error', () => {}).end(text));
  closers.push(() => new Promise((resolve) => server.close(resolve)));
  return new Promise((resolve) => server.listen(bound.handle, () => resolve(server)));
}

function read(target: { port: number; host?: string } | { path: string }): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    connect(target)
      .on('data', (chunk: Buffer) => (text += chunk.toString()))
      .on('end', () => resolve(text))
      .on('error', reject);
  });
}

describe('a bound address', () => {
  it.each([
    ['an address', '127.0.0.1', '127.0.0.1'],
    ['a name', 'localhost', 'localhost'],
    ['all addresses, by v4', null, '127.0.0.1'],
    ['all addresses, by v6', null, '::1'],
  ])('is one to accept from: %s', async (_, host, client) => {
    const bound = await bind(tcp(host));
    await serve(bound, 'served');
    expect(await read({ port: bound.port, host: client })).toBe('served');
  });

  it('accepts nothing by itself', async () => {
    const bound = await bind(tcp('127.0.0.1'));
    await expect(read({ port: bound.port, host: '127.0.0.1' })).rejects.toThrow('ECONNREFUSED');
  });

  it('fails at once if another process listens there', async () => {
    const first = await bind(tcp('127.0.0.1'));
    await serve(first, '');
    for (const host of ['127.0.0.1', null]) {
      await expect(BoundAddress.bind(tcp(host, first.port))).rejects.toMatchObject({ code: 'EADDRINUSE' });
    }
  });

  it('tells when this machine does not have it', async () => {
    await expect(BoundAddress.bind(tcp('192.0.2.1'))).rejects.toMatchObject({ code: 'EADDRNOTAVAIL' });
    await expect(BoundAddress.bind(tcp('nowhere.invalid'))).rejects.toMatchObject({ syscall: 'getaddrinfo' });
  });
});

describe('a bound unix socket', () => {
  it('is one to accept from, and gone when the address is given up', async () => {
    const path = join(folder, 'a.sock');
    const bound = await bind(unix(path));
    await serve(bound, 'served');
    expect(await read({ path })).toBe('served');
    await bound.close();
    expect(existsSync(path)).toBe(false);
  });

  it('stays when a process that accepts from it closes it, and when it is left to others', async () => {
    const path = join(folder, 'a.sock');
    const bound = await bind(unix(path));
    const server = await serve(bound, '');
    await new Promise((resolve) => server.close(resolve));
    bound.leave();
    expect(existsSync(path)).toBe(true);
  });

  it('is not removed if another process has replaced it', async () => {
    const path = join(folder, 'a.sock');
    const first = await bind(unix(path));
    const second = await bind(unix(path));
    await serve(second, 'second');
    await first.close();
    expect(await read({ path })).toBe('second');
  });

  it('replaces one on which no process listens, and not one that is in use', async () => {
    const path = join(folder, 'a.sock');
    const dead = await BoundAddress.bind(unix(path));
    dead.leave();
    const before = statSync(path).ino;
    const bound = await bind(unix(path));
    expect(statSync(path).ino).not.toBe(before);
    await serve(bound, 'served');
    await expect(BoundAddress.bind(unix(path))).rejects.toMatchObject({ code: 'EADDRINUSE' });
    expect(await read({ path })).toBe('served');
  });

  it('never takes the place of what is no socket', async () => {
    const path = join(folder, 'a.txt');
    writeFileSync(path, 'precious');
    await expect(BoundAddress.bind(unix(path))).rejects.toMatchObject({ code: 'EADDRINUSE' });
    expect(statSync(path).size).toBe(8);
  });

  it('may have the longest path that the system takes', async () => {
    const path = join(folder, 'a'.repeat(107 - Buffer.byteLength(folder) - 1));
    expect(Buffer.byteLength(path)).toBe(107);
    await serve(await bind(unix(path)), 'served');
    expect(await read({ path })).toBe('served');
  });
});
