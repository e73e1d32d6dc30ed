/**
 * What a new connection costs, and how connections spread, by the way in which they reach workers:
 *
 *     one          one process, no workers
 *     shared       workers accept from one socket that the parent holds: what prox does
 *     round-robin  the parent accepts and passes each connection on, as node:cluster does by default
 *     reuse-port   each worker has a socket of its own on the port (SO_REUSEPORT; Node 22.12 and later)
 *
 *     node bench/accept.mjs [seconds]
 *
 * wrk opens a connection for each request. The figure to compare is CPU per connection of parent and workers, which
 * other work on the machine disturbs less than the rate. Beside it stand the shares of the workers: under load, and
 * with one connection at a time. Nothing of prox is measured here but its choice.
 */
import { fork, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import net from 'node:net';

const WORKERS = 2;
const TICK_US = 10_000;
/** Below the ports of clients, which would be in the way of SO_REUSEPORT. */
const REUSED_PORT = 24_567;
const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok';

let accepted = 0;

function createServer() {
  // Code that waits for a worker is told when it ends.
  return net.createServer({ noDelay: true }, serve).on('error', () => process.exit(1));
}

function serve(socket) {
  accepted++;
  socket.on('error', () => {});
  socket.once('data', () => socket.end(ANSWER));
}

if (process.argv[2] === 'worker') runWorker(process.argv[3]);
else await compare(Number(process.argv[2] ?? 5));

function runWorker(mode) {
  const ready = () => process.send('ready');
  process.on('message', (message, handle) => {
    if (message === 'count') process.send({ accepted });
    else if (message === 'reset') accepted = 0;
    else if (message === 'connection') serve(handle);
    else if (mode === 'shared') createServer().listen(handle, ready);
    else if (mode === 'reuse-port')
      createServer().listen({ port: message.port, host: '127.0.0.1', reusePort: true }, ready);
    else ready();
  });
  process.on('disconnect', () => process.exit(0));
}

async function compare(seconds) {
  console.log(`Node ${process.version}, ${WORKERS} workers, ${seconds} s each`);
  for (const mode of ['one', 'shared', 'round-robin', 'reuse-port']) {
    try {
      console.log(`${mode.padEnd(12)} ${await measure(mode, seconds)}`);
    } catch (error) {
      console.log(`${mode.padEnd(12)} not here: ${error.message}`);
    }
  }
  process.exit(0);
}

async function measure(mode, seconds) {
  const { _createServerHandle: bind } = net;
  const handle = bind('127.0.0.1', 0, 4, -1, 0);
  const name = {};
  handle.getsockname(name);
  const workers =
    mode === 'one' ? [] : Array.from({ length: WORKERS }, () => fork(import.meta.filename, ['worker', mode]));
  let port = name.port;
  let server = null;
  if (mode === 'one') {
    server = createServer().listen(handle, 511);
  } else if (mode === 'round-robin') {
    let next = 0;
    server = net.createServer({ pauseOnConnect: true }, (socket) =>
      workers[next++ % WORKERS].send('connection', socket),
    );
    server.listen(handle, 511);
  } else if (mode === 'reuse-port') {
    handle.close();
    port = REUSED_PORT;
  }
  for (const worker of workers) {
    const ready = new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('exit', () => reject(new Error('a worker has ended')));
    });
    worker.send({ port }, mode === 'shared' ? handle : undefined);
    await ready;
  }
  const pids = [process.pid, ...workers.map(({ pid }) => pid)];
  const before = cpu(pids);
  await load(port, seconds);
  const used = cpu(pids) - before;
  const busy = await counts(workers);
  for (let i = 0; i < 500; i++) await connectOnce(port);
  const calm = await counts(workers);
  for (const worker of workers) worker.disconnect();
  if (server !== null) await new Promise((resolve) => server.close(resolve));
  else if (mode === 'shared') handle.close();
  const sum = busy.reduce((all, count) => all + count, 0);
  const rate = Math.round(sum / seconds);
  const shares = workers.length === 0 ? '' : `, shares ${percent(busy)} under load, ${percent(calm)} one at a time`;
  return `${((used * TICK_US) / sum).toFixed(0)} µs CPU a connection, ${rate} connections/s${shares}`;
}

/** Runs wrk without blocking this process, which may be the one that serves. */
async function load(port, seconds) {
  const args = ['-t1', '-c16', `-d${seconds}`, '-H', 'Connection: close', `http://127.0.0.1:${port}/`];
  await new Promise((resolve, reject) => {
    spawn('wrk', args, { stdio: 'ignore' }).once('exit', resolve).once('error', reject);
  });
}

function connectOnce(port) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'));
    socket.on('error', reject).on('close', resolve).resume();
  });
}

/** Connections that each worker has accepted since the last call. */
async function counts(workers) {
  if (workers.length === 0) return [accepted, (accepted = 0)].slice(0, 1);
  const answers = [];
  for (const worker of workers) {
    const answer = new Promise((resolve) => worker.once('message', resolve));
    worker.send('count');
    answers.push((await answer).accepted);
    worker.send('reset');
  }
  return answers;
}

function percent(numbers) {
  const sum = numbers.reduce((all, number) => all + number, 0);
  return numbers.map((number) => `${Math.round((100 * number) / sum)} %`).join(' / ');
}

/** Clock ticks that processes have used, user and system. */
function cpu(pids) {
  return pids.reduce((sum, pid) => {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return sum + Number(fields[11]) + Number(fields[12]);
  }, 0);
}
