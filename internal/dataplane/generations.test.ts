import { afterEach, describe, expect, it } from 'vitest';
import { bodies, get } from '../downstream/testing/http1-client.ts';
import { settled } from '../transport/testing/memory-client.ts';
import { MemoryDataPlane } from './testing/memory-data-plane.ts';

const planes: MemoryDataPlane[] = [];
afterEach(async () => {
  for (const plane of planes.splice(0)) await plane.stop();
});

function plane(): MemoryDataPlane {
  const made = new MemoryDataPlane();
  planes.push(made);
  return made;
}

const answer = (text: string): string => `{ type: 'static', status: 200, body_ref: { text: '${text}' } }`;

/** A service that answers every request with a text. */
const says = (port: number, text: string, more = ''): string =>
  `{ listen: '127.0.0.1:${port}', ${more} routes: [{ action: ${answer(text)} }] }`;

const config = (...services: string[]): string =>
  `{ services: { ${services.map((service, i) => `s${i}: ${service}`).join(', ')} } }`;

/** A service whose requests go to an upstream on port 9000. */
const proxies = (port: number, more = ''): string =>
  `{ listen: '127.0.0.1:${port}', ${more} routes: [{ action: { type: 'proxy', upstream: 'http://127.0.0.1:9000' } }] }`;

describe('a config', () => {
  it('is compiled, listened for, and served when it is committed: not before', async () => {
    const each = plane();
    await each.prepare(config(says(80, 'one')));
    expect(each.network.isListening(80)).toBe(false);
    await each.attach(80);
    const early = each.network.client(80);
    await early.send(get('/'));
    expect(early.received).toBe('');
    each.generations.commit();
    await settled();
    expect(bodies(early.received)).toEqual(['one']);
  });

  it('that is rolled back leaves everything as it was', async () => {
    const each = plane();
    await each.serve(config(says(80, 'one')));
    const open = each.network.client(80);
    await open.send(get('/'));
    await each.prepare(config(says(80, 'two'), says(81, 'more')));
    await each.attach(81);
    const waiting = each.network.client(81);
    await settled();
    await each.generations.rollback();
    await settled();
    expect(each.network.isListening(81)).toBe(false);
    expect(waiting.closed || waiting.ended).toBe(true);
    await open.send(get('/'));
    expect(bodies(open.received)).toEqual(['one', 'one']);
    expect(await each.ask(80)).toBe('one');
  });

  it('that is not served by this version is refused, and nothing is held', async () => {
    const each = plane();
    await each.serve(config(says(80, 'one')));
    const refused = `{ plugins: { p: { category: 'x' } }, services: { s: ${says(80, 'two', "plugins: ['p'],")} } }`;
    await expect(each.prepare(refused)).rejects.toThrow();
    expect(await each.ask(80)).toBe('one');
  });

  it('is not attached or committed without having been prepared', async () => {
    const each = plane();
    await expect(each.generations.attach(new Map())).rejects.toThrow('no config was prepared');
    expect(() => each.generations.commit()).toThrow('no config was prepared');
  });

  it('whose address is taken is told by its key, and can be rolled back', async () => {
    const each = plane();
    await each.serve(config(says(80, 'one')));
    await each.prepare(config(says(80, 'two'), says(81, 'more')));
    await expect(
      each.generations.attach(new Map([['127.0.0.1:81', each.network.bind(81, 'EADDRINUSE')]])),
    ).rejects.toThrow('127.0.0.1:81');
    await each.generations.rollback();
    expect(await each.ask(80)).toBe('one');
  });
});

describe('a reload', () => {
  it('serves open connections by the next config with their next request, and drops none', async () => {
    const each = plane();
    await each.serve(config(says(80, 'one')));
    const client = each.network.client(80);
    await client.send(get('/'));
    await each.serve(config(says(80, 'two')));
    await client.send(get('/'));
    expect(bodies(client.received)).toEqual(['one', 'two']);
    expect(client.ended).toBe(false);
  });

  it('lets a request that is under way finish by the config that it began with', async () => {
    const each = plane();
    const upstream = each.upstream(9000);
    await each.serve(config(proxies(80)));
    const client = each.network.client(80);
    await client.send(get('/slow'));
    await each.serve(config(says(80, 'two')));
    await upstream.answer('by the first');
    await client.send(get('/'));
    expect(bodies(client.received)).toEqual(['by the first', 'two']);
  });

  it('drains an address that is gone: idle connections end, requests finish, new ones are refused', async () => {
    const each = plane();
    const upstream = each.upstream(9000);
    await each.serve(config(proxies(80), says(81, 'stays')));
    const [busy, idle] = [each.network.client(80), each.network.client(80)];
    await busy.send(get('/slow'));
    await idle.send('');
    await each.serve(config(says(81, 'stays')));
    expect(() => each.network.client(80)).toThrow('ECONNREFUSED');
    each.clock.pass(800);
    await settled();
    expect([idle.ended, busy.ended]).toEqual([true, false]);
    await upstream.answer('finished');
    expect(bodies(busy.received)).toEqual(['finished']);
    expect(busy.received).toContain('\r\nConnection: close\r\n');
    expect(busy.ended).toBe(true);
  });

  it('cuts what is not over when shutdown_timeout has passed', async () => {
    const each = plane();
    each.upstream(9000);
    await each.serve(config(proxies(80, `config: { shutdown_timeout: '20ms' },`), says(81, 'stays')));
    const client = each.network.client(80);
    await client.send(get('/slow'));
    await each.serve(config(says(81, 'stays')));
    await each.until(() => client.reset);
    expect(each.reports).toEqual(['exchangeFailed shutting_down']);
  });

  it('moves an address between services while connections wait for it', async () => {
    const each = plane();
    await each.serve(config(says(80, 'one')));
    await each.prepare(config(says(80, 'one'), says(81, 'new')));
    each.generations.suspend(['127.0.0.1:80']);
    await each.attach(81);
    each.generations.commit();
    await each.generations.resume(new Map([['127.0.0.1:80', each.bind(80)]]));
    expect([await each.ask(80), await each.ask(81)]).toEqual(['one', 'new']);
  });

  it('keeps the log of a generation until its last request is over', async () => {
    const each = plane();
    const upstream = each.upstream(9000);
    await each.serve(`{ logging: { access_log: 'a.log' }, services: { s: ${proxies(80)} } }`);
    expect(each.logs.held).toEqual(['a.log']);
    const client = each.network.client(80);
    await client.send(get('/slow'));
    await each.serve(`{ logging: { access_log: 'b.log' }, services: { s: ${proxies(80)} } }`);
    expect(each.logs.held).toEqual(['a.log', 'b.log']);
    await upstream.answer('done');
    await settled();
    expect(each.logs.held).toEqual(['b.log']);
    expect(each.logs.lines).toEqual(['a.log 200']);
  });

  it('lets go of the logs that it has opened when one cannot be', async () => {
    const each = plane();
    await each.serve(config(says(80, 'one')));
    each.logs.broken = 'b.log';
    const next = `{ logging: { access_log: 'a.log' }, services: { s: { listen: '127.0.0.1:80', routes: [
      { action: ${answer('two')}, access_log: 'b.log' } ] } } }`;
    await expect(each.prepare(next)).rejects.toThrow('b.log cannot be opened');
    expect(each.logs.held).toEqual([]);
    expect(await each.ask(80)).toBe('one');
  });

  it('goes on with the upstream connections that both configs use, and closes the others', async () => {
    const each = plane();
    const upstream = each.upstream(9000);
    await each.serve(config(proxies(80)));
    const client = each.network.client(80);
    await client.send(get('/1'));
    await upstream.answer('1');
    await each.serve(config(proxies(80), says(81, 'more')));
    await client.send(get('/2'));
    await upstream.answer('2');
    expect(bodies(client.received)).toEqual(['1', '2']);
    expect(upstream.connections).toHaveLength(1);
    await each.serve(config(says(80, 'none')));
    await settled();
    expect(upstream.connections[0]?.ended).toBe(true);
  });

  it('is refused while the process stops', async () => {
    const each = plane();
    await each.serve(config(says(80, 'one')));
    await each.prepare(config(says(80, 'two')));
    const stopped = each.generations.drain();
    expect(() => each.generations.commit()).toThrow('prox is stopping');
    expect(await stopped).toBe(0);
  });
});

describe('the end of a process', () => {
  it('waits for requests and counts the connections that it cuts', async () => {
    const each = plane();
    each.upstream(9000);
    await each.serve(config(proxies(80, `config: { shutdown_timeout: '20ms' },`)));
    const [busy, idle] = [each.network.client(80), each.network.client(80)];
    await busy.send(get('/slow'));
    await idle.send(get('/slow'));
    await idle.break();
    expect(await each.generations.drain()).toBe(1);
    await settled();
    expect(busy.reset).toBe(true);
    expect(each.logs.held).toEqual([]);
  });
});

describe('an upstream', () => {
  it('that cannot be reached is a 502, and another target is tried where there is one', async () => {
    const each = plane();
    const balanced = `{ listen: '127.0.0.1:80', routes: [{ action: { type: 'proxy', upstream: 'http://{target}' },
      balancer: { type: 'roundrobin', targets: ['127.0.0.1:9001', '127.0.0.1:9000'] } }] }`;
    await each.serve(config(balanced, proxies(81)));
    const alone = each.network.client(81);
    await alone.send(get('/'));
    expect(alone.received).toContain('502 Bad Gateway (dial_failed)');
    const upstream = each.upstream(9000);
    const client = each.network.client(80);
    // Whichever of the two is the first one's turn: the other is that of the second.
    for (const text of ['one', 'two']) {
      await client.send(get('/'));
      await upstream.answer(text);
    }
    expect(bodies(client.received)).toEqual(['one', 'two']);
    expect(each.reports.slice(0, 2)).toEqual(['exchangeFailed dial_failed', 'unreachable dial_failed']);
    expect(new Set(each.reports).size).toBe(2);
  });

  it('that says nothing is a 504 when response_header_timeout has passed', async () => {
    const each = plane();
    each.upstream(9000);
    await each.serve(config(proxies(80)));
    const client = each.network.client(80);
    await client.send(get('/'));
    each.clock.pass(61_000);
    await settled();
    expect(client.received).toContain('504 Gateway Timeout (upstream_timeout)');
  });
});
