import { afterEach, describe, expect, it } from 'vitest';
import { logLines, readLog } from '../testing/access-log.ts';
import { RawClient } from '../testing/raw-client.ts';
import { Relayed, type RelayedOptions } from '../testing/relayed.ts';

let relayed: Relayed;

async function start(options: RelayedOptions): Promise<Relayed> {
  relayed = await Relayed.start(options);
  return relayed;
}

afterEach(() => relayed.stop());

describe('a relayed connection', () => {
  it('goes on when prox stops, and prox ends with it', async () => {
    const { daemon } = await start({ limits: { shutdown_timeout: '10s' } });
    const { client, peer } = await relayed.connect();
    const { accessLog } = relayed;
    daemon.signal('SIGTERM');
    await daemon.logged(({ msg }) => msg === 'stopping');
    peer.send('still here');
    await client.sees('still here');
    client.end();
    peer.end();
    expect(await daemon.end()).toBe(0);
    expect((await readLog(accessLog)).map(({ error }) => error)).toEqual([null]);
  });

  it('is cut at shutdown_timeout', async () => {
    const { daemon } = await start({ limits: { shutdown_timeout: '1s' } });
    const { client, peer } = await relayed.connect();
    const { accessLog } = relayed;
    daemon.signal('SIGTERM');
    await client.toEnd();
    await peer.until(() => peer.ended || peer.closed, 'the upstream connection to be cut');
    expect(await daemon.end()).toBe(0);
    expect((await readLog(accessLog)).map(({ error }) => error)).toEqual(['shutting_down']);
    expect(daemon.log.some(({ msg }) => msg === 'connections were cut at shutdown_timeout')).toBe(true);
  });

  it('goes on when a reload takes its route away, and is logged where it began', async () => {
    const { daemon } = await start({});
    const { client, peer } = await relayed.connect();
    const config = structuredClone(relayed.config) as { services: { web: { routes: unknown[] } }; logging: unknown };
    config.services.web.routes = [{ match: { domain: 'pass.test' }, action: { type: 'drop' } }];
    config.logging = { access_log: 'other.log' };
    expect(await daemon.reload(config)).toBe(true);
    const later = await RawClient.connect(daemon.port());
    later.socket.write(relayed.hello);
    expect(await later.toEnd()).toBe('');
    peer.send('still here').end();
    expect(await client.toEnd()).toBe('still here');
    client.end();
    await peer.gone();
    expect(await logLines(relayed.accessLog, 1)).toMatchObject([{ protocol: 'tcp', error: null }]);
    expect(await logLines(`${daemon.folder}/other.log`, 1)).toMatchObject([{ protocol: 'tcp', error: 'dropped' }]);
  });

  it('counts for max_connections', async () => {
    const { daemon } = await start({ limits: { max_connections: 1 } });
    const { client, peer } = await relayed.connect();
    const waiting = await RawClient.connect(daemon.port());
    waiting.socket.write(relayed.hello);
    expect(relayed.upstream.peers).toHaveLength(1);
    client.end();
    peer.end();
    const next = await relayed.upstream.peer(1);
    await next.sees(relayed.hello.toString('latin1'));
    waiting.destroy();
  });
});
