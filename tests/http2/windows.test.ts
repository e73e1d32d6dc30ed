import { afterEach, describe, expect, it } from 'vitest';
import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { FrameClient, request } from '../testing/frame-client.ts';
import { stopHealthy } from '../testing/health.ts';
import {
  data,
  type Frame,
  framesOf,
  number,
  PREFACE,
  Setting,
  settings,
  settingsAck,
  Type,
} from '../testing/http2-frames.ts';
import { RawUpstream } from '../testing/raw-upstream.ts';

const MIB = 1_048_576;
const STREAM = 16_384;

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
});

/** A daemon before an upstream of HTTP/2 that reads what it gets, and answers nothing. */
async function start(config: Record<string, unknown> = {}): Promise<{ daemon: TestDaemon; upstream: RawUpstream }> {
  const upstream = await RawUpstream.start();
  stops.push(() => upstream.stop());
  upstream.onConnection(async (peer) => {
    await peer.sees(PREFACE);
    peer.send(settings() + settingsAck());
  });
  const action = { type: 'proxy', upstream: `http://${upstream.authority}`, proto: 'h2' };
  const daemon = await TestDaemon.start(webConfig([{ action }], { config }));
  stops.push(() => stopHealthy(daemon));
  return { daemon, upstream };
}

async function connect(daemon: TestDaemon): Promise<FrameClient> {
  const client = await FrameClient.connect(daemon.port());
  stops.push(() => Promise.resolve(client.destroy()));
  return client;
}

/** The windows of streams that SETTINGS frames have told, in order. */
function streamWindows(frames: readonly Frame[]): number[] {
  const windows: number[] = [];
  for (const { type, payload } of frames) {
    if (type !== Type.settings) continue;
    for (let at = 0; at < payload.length; at += 6) {
      if (number(payload, at, 2) === Setting.windowSize) windows.push(number(payload, at + 2, 4));
    }
  }
  return windows;
}

/** The window of the connection after the first WINDOW_UPDATE for it. */
function connectionWindow(frames: readonly Frame[]): number {
  const update = frames.find(({ type, stream }) => type === Type.windowUpdate && stream === 0);
  return update === undefined ? 65_535 : 65_535 + number(update.payload, 0, 4);
}

describe('the windows that prox opens', () => {
  it.each([
    ['1 MiB and 4 MiB by default', {}, MIB, 4 * MIB],
    ['as configured', { h2_stream_window: '256k', h2_connection_window: 2 * MIB }, 256 * 1024, 2 * MIB],
  ])('are %s, for clients and for upstreams', async (_, config, stream, connection) => {
    const { daemon, upstream } = await start(config);
    const client = await connect(daemon);
    await client.settled();
    expect(streamWindows(client.frames)).toEqual([stream]);
    expect(connectionWindow(client.frames)).toBe(connection);
    client.headers(1, request('GET', '/'));
    const peer = await upstream.peer();
    await peer.until(() => framesOf(peer.received).some(({ type }) => type === Type.headers), 'a request');
    expect(streamWindows(framesOf(peer.received))).toEqual([stream]);
    expect(connectionWindow(framesOf(peer.received))).toBe(connection);
  });

  it('are made short while more is unread than the window of the connection, and opened again', async () => {
    const { daemon, upstream } = await start({ h2_connection_window: MIB });
    const client = await connect(daemon);
    const windows = (): number[] => streamWindows(client.frames);
    const body = data(0, 'x'.repeat(STREAM)).slice(9);
    const piece = (id: number): string => data(id, body);
    // The upstream opens no window beyond the 64 KiB of the connection: all else stays with prox.
    for (let id = 1; id < 16; id += 2) {
      client.headers(id, request('POST', '/'), false);
      for (let i = 0; i < 16; i++) client.write(piece(id));
    }
    await client.until(() => windows().length === 2, 'short windows');
    expect(windows()).toEqual([MIB, 65_535]);
    const peer = await upstream.peer();
    for (let id = 1; id < 16; id += 2) client.reset(id);
    await client.until(() => windows().length === 3, 'long windows');
    expect(windows()).toEqual([MIB, 65_535, MIB]);
    expect(peer.ended).toBe(false);
  });

  it('end the newest streams of a client that has sent more than eight times as much', async () => {
    const { daemon } = await start({ h2_connection_window: MIB });
    const client = await connect(daemon);
    const body = data(0, 'x'.repeat(STREAM)).slice(9);
    const ids = Array.from({ length: 16 }, (_, i) => 2 * i + 1);
    for (const id of ids) {
      client.headers(id, request('POST', '/'), false);
      for (let i = 0; i < MIB / STREAM; i++) client.write(data(id, body));
    }
    const reset = (): number[] => client.of(Type.rstStream).map(({ stream }) => stream);
    await client.until(() => reset().length >= 7, 'streams that are reset');
    expect(reset()).not.toContain(1);
    expect(Math.min(...reset())).toBeGreaterThan(ids[5]);
    for (const { payload } of client.of(Type.rstStream)) expect(number(payload, 0, 4)).toBe(11);
    expect(client.closed).toBe(false);
  });
});
