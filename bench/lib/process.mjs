/** Processes under measurement: pinned to a core, their CPU time and memory read from /proc. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';

export { median } from './stats.mjs';

/** The core of the proxy, and the one that load and upstream share. */
export const PROXY_CORE = 0;
export const LOAD_CORE = 1;

/** Clock ticks of /proc/PID/stat in a second: 100 on every Linux that Node runs on. */
const TICKS = 100;

/** How long a process may take to end when it is asked to. */
const STOP_MS = 3000;

const running = new Set();

process.on('exit', () => {
  for (const child of running) killTree(child.pid);
});
// Ctrl-C ends what was started too, and so does the end of the terminal, whose SIGHUP is a reload to most proxies: the
// handler above runs with the exit.
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));
process.once('SIGHUP', () => process.exit(129));

/** Starts a command on a core and ends it, with what it has started, when this process ends. */
export function start(core, command, args, options = {}) {
  const child = spawn('taskset', ['-c', String(core), command, ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
    ...options,
  });
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

/** Ends a process and waits until it has. */
export async function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const timer = setTimeout(() => killTree(child.pid), STOP_MS);
  await gone;
  clearTimeout(timer);
}

/** Ends a process and all that it has started, at once. */
function killTree(pid) {
  for (const member of treeOf(pid)) {
    try {
      process.kill(member, 'SIGKILL');
    } catch (error) {
      if (error.code !== 'ESRCH') throw error; // It has ended by itself meanwhile.
    }
  }
}

/** The process and all that descend from it. */
export function treeOf(pid) {
  let children;
  try {
    children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ESRCH') return []; // It has ended meanwhile.
    throw error;
  }
  return [pid, ...(children === '' ? [] : children.split(' ').flatMap((child) => treeOf(Number(child))))];
}

/**
 * CPU seconds that the process has used, all threads: user and system.
 * @param {{ withEnded?: boolean }} [options] whether to add those of its children that have ended
 */
export function cpuOf(pid, { withEnded = false } = {}) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  const ended = withEnded ? [Number(fields[13]), Number(fields[14])] : [0, 0];
  return { user: (Number(fields[11]) + ended[0]) / TICKS, system: (Number(fields[12]) + ended[1]) / TICKS };
}

/** CPU seconds of the process and all that descend from it. */
export function cpuOfTree(pid) {
  const sum = { user: 0, system: 0 };
  for (const member of treeOf(pid)) {
    const { user, system } = cpuOf(member, { withEnded: true });
    sum.user += user;
    sum.system += system;
  }
  return sum;
}

/** Seconds that a core has been busy since the machine was started, with any work. */
export function busyOf(core) {
  const line = new RegExp(`^cpu${core} (.*)$`, 'm').exec(readFileSync('/proc/stat', 'utf8'))?.[1] ?? '';
  const [user, nice, system, , , irq, softirq, steal] = line.split(' ').map(Number);
  return (user + nice + system + irq + softirq + steal) / TICKS;
}

/** Resident memory in bytes; `peak` since the process began. */
export function memoryOf(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const read = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]) * 1024;
  return { resident: read('VmRSS'), peak: read('VmHWM') };
}

/** Resident memory of the process and all that descend from it. Pages that they share count for each. */
export function memoryOfTree(pid) {
  const sum = { resident: 0, peak: 0 };
  for (const member of treeOf(pid)) {
    const { resident, peak } = memoryOf(member);
    sum.resident += resident;
    sum.peak += peak;
  }
  return sum;
}

/** Whether a process listens on a port of the loopback interface. @returns {Promise<boolean>} */
function answers(port) {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/**
 * Checks that no process listens on a port that is about to be used: a second run would answer in its place.
 * @throws {Error} if one does
 */
export async function unused(port) {
  if (await answers(port)) throw new Error(`port ${port} is taken: does the benchmark run already?`);
}

/**
 * Waits until a process listens on a port of the loopback interface.
 * @param {import('node:child_process').ChildProcess} [child] who is to listen: its end ends the wait with an error
 */
export async function listening(port, child) {
  for (let attempt = 0; attempt < 800; attempt++) {
    if (child !== undefined && (child.exitCode !== null || child.signalCode !== null)) {
      throw new Error(`ended at once, with ${child.exitCode ?? child.signalCode}`);
    }
    if (await answers(port)) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`no process listens on port ${port}`);
}
