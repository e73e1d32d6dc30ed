/** What connections cost in memory. */
import { connect, createServer } from 'node:net';
import { startPeer } from './peers.mjs';
import { memoryOf, memoryOfTree } from './process.mjs';

const REQUEST = 'GET / HTTP/1.1\r\nHost: bench\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n';
const CONNECTIONS = 10_000;
const QUICK_CONNECTIONS = 1000;
const WARM_CONNECTIONS = 2000;
const AT_ONCE = 100;
const TRANSFER_BYTES = 300_000_000;

/** Memory is looked at when the garbage of the moment had time to go. */
const SETTLE_MS = 1500;

export const memoryCases = {
  idle: {
    title: '10,000 idle connections',
    kind: 'idle',
    unit: 'connection',
    needs: [],
    bound: true,
    run: (asked) => each(asked, { connections: 12_000 }, (running) => idle(running, asked.settings.quick)),
  },
  'slow-reader': {
    title: '300 MB through a reader that pauses',
    kind: 'growth',
    unit: 'transfer',
    needs: [],
    only: ['prox'],
    run: pausingReader,
  },
};

/** One proxy after another. */
export async function each({ peers, onFailure }, scene, measure) {
  const proxies = {};
  const failed = {};
  for (const peer of peers) {
    try {
      const running = await startPeer(peer, scene);
      try {
        proxies[peer.name] = await measure(running);
      } finally {
        await running.stop();
      }
    } catch (error) {
      failed[peer.name] = error.message;
      onFailure(peer.name, error.message);
    }
  }
  return { proxies, failed };
}

/** Resident memory for each of many keep-alive connections that had one answer and are idle. */
async function idle({ process: child, scene }, quick) {
  const count = quick ? QUICK_CONNECTIONS : CONNECTIONS;
  const sockets = [];
  let lost = 0;
  const open = async () => {
    const some = await Promise.all(Array.from({ length: AT_ONCE }, () => answered(scene.port)));
    for (const socket of some) socket.once('close', () => lost++);
    return some;
  };
  for (let i = 0; i < WARM_CONNECTIONS; i += AT_ONCE) for (const socket of await open()) socket.destroy();
  await settle();
  lost = 0;
  const before = memoryOfTree(child.pid).resident;
  while (sockets.length < count) sockets.push(...(await open()));
  await settle();
  const after = memoryOfTree(child.pid).resident;
  const kept = lost;
  for (const socket of sockets) socket.destroy();
  if (kept > 0) throw new Error(`it closed ${kept} of ${count} idle connections`);
  return { bytesEach: (after - before) / count, resident: after };
}

/** Growth of resident memory while 300 MB pass to a client that stops reading again and again. */
async function pausingReader(asked) {
  const server = createServer((socket) => socket.once('data', () => pour(socket)));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const scene = { upstream: server.address().port, unverified: true };
    return await each(asked, scene, async ({ scene, process: child }) => ({
      growth: await growthOf(child, scene.port),
    }));
  } finally {
    server.close();
  }
}

async function growthOf(child, port) {
  (await answered(port)).destroy();
  await settle();
  const before = memoryOf(child.pid).resident;
  let peak = before;
  const client = connect({ port, host: '127.0.0.1' });
  client.write(REQUEST);
  let received = 0;
  let pauseAt = 10_000_000;
  await new Promise((resolve, reject) => {
    client.once('error', reject);
    client.on('data', (chunk) => {
      received += chunk.length;
      if (received >= TRANSFER_BYTES) return resolve();
      if (received < pauseAt) return;
      pauseAt += 10_000_000;
      client.pause();
      setTimeout(() => {
        peak = Math.max(peak, memoryOf(child.pid).resident);
        client.resume();
      }, 100);
    });
  });
  client.destroy();
  return peak - before;
}

function pour(socket) {
  const block = Buffer.alloc(65_536, 'x');
  let left = TRANSFER_BYTES;
  socket.on('error', () => socket.destroy());
  socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${left}\r\n\r\n`);
  const more = () => {
    while (left > 0) {
      const size = Math.min(left, block.length);
      left -= size;
      if (!socket.write(block.subarray(0, size))) return;
    }
    socket.end();
  };
  socket.on('drain', more);
  more();
}

/** A connection that had the beginning of an answer. */
function answered(port) {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => socket.write(REQUEST));
    socket.once('data', () => resolve(socket));
    socket.once('error', reject);
  });
}

function settle() {
  return new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
}
