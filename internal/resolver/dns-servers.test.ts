import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestDnsServer } from '../../tests/testing/dns-server.ts';
import { DnsServers } from './dns-servers.ts';

describe('addresses of both families', () => {
  let server: TestDnsServer;
  let servers: DnsServers;
  beforeEach(async () => {
    server = await TestDnsServer.start();
    server.set('up.test', ['10.0.0.1', '2001:db8::1'], 300);
    servers = new DnsServers({
      servers: [server.address],
      search: [],
      ndots: 1,
      timeout: 5000,
      attempts: 1,
      rotate: false,
    });
  });
  afterEach(async () => {
    await server.stop();
  });

  it('are kept for their TTL', async () => {
    expect(await servers.find('up.test', true)).toMatchObject({ kind: 'found', ttl: 300 });
  });

  it('are asked for again soon when those of one family come late', async () => {
    server.silenceType('A');
    expect(await servers.find('up.test', true)).toMatchObject({ addresses: ['2001:db8::1'], ttl: 5 });
  });
});
