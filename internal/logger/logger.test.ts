import { execFile } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ProxyError } from '../base/index.ts';
import { LogFiles } from './log-files.ts';
import { createLogger, type Logger, type LoggerOptions } from './logger.ts';

let folder = '';
let fd = 0;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'prox-logger-'));
  fd = openSync(join(folder, 'console'), 'a');
});
afterEach(() => {
  closeSync(fd);
  rmSync(folder, { recursive: true });
});

const make = (options: LoggerOptions = {}): Logger => createLogger({ fd, pretty: false, ...options });
const lines = (name = 'console'): string[] => readFileSync(join(folder, name), 'utf8').split('\n').slice(0, -1);
const records = (name = 'console'): Record<string, unknown>[] =>
  lines(name).map((line) => JSON.parse(line) as Record<string, unknown>);

describe('createLogger', () => {
  it('writes JSON lines with time, level, message and fields', async () => {
    const logger = make();
    logger.child({ service: 'web' }).info('listening', { address: ':8080' });
    await logger.close();
    expect(records()).toEqual([
      {
        level: 'info',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
        service: 'web',
        address: ':8080',
        msg: 'listening',
      },
    ]);
  });

  it.each([
    ['debug', ['debug', 'info', 'warn', 'error']],
    ['info', ['info', 'warn', 'error']],
    ['warn', ['warn', 'error']],
    ['error', ['error']],
  ] as const)('at %s writes %j, for children made before too', async (level, expected) => {
    const logger = make({ level: level === 'debug' ? 'error' : 'debug' });
    const child = logger.child({});
    logger.setLevel(level);
    for (const one of ['debug', 'info', 'warn', 'error'] as const) {
      child[one]('text');
      expect(logger.enabled(one)).toBe((expected as readonly string[]).includes(one));
    }
    await logger.close();
    expect(records().map((record) => record['level'])).toEqual(expected);
  });

  it('lets no field take the place of level, time or message', async () => {
    const logger = make();
    logger.info('text', { level: 'x', time: 1, msg: 'y' });
    await logger.close();
    expect(records()[0]).toMatchObject({ level: 'info', msg: 'text', level_: 'x', time_: 1, msg_: 'y' });
  });

  it('sends warnings and errors to the error log too', async () => {
    const files = new LogFiles(() => {});
    const file = await files.acquire(join(folder, 'error.log'));
    const logger = make({ level: 'debug' });
    logger.setErrorLog(file);
    for (const level of ['debug', 'info', 'warn', 'error'] as const) logger.child({ a: 1 }).log(level, 'text');
    await logger.flush();
    logger.setErrorLog(null);
    logger.error('later');
    await files.close();
    await logger.close();
    expect(records('error.log').map((record) => record['level'])).toEqual(['warn', 'error']);
    expect(records()).toHaveLength(5);
  });

  it('survives fields that JSON cannot hold', async () => {
    const logger = make();
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    logger.info('text', { circle, big: 10n, nothing: undefined, call: () => 1, symbol: Symbol('x') });
    await logger.close();
    expect(records()[0]).toMatchObject({ msg: 'text', big: 10 });
  });

  it('writes one line of printable ASCII, whatever message and fields hold', async () => {
    const anyText = fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)) });
    const logger = make();
    const samples = fc.sample(fc.tuple(anyText, anyText, anyText), 2000);
    for (const [message, key, value] of samples) logger.info(message, { ['f' + key]: value, error: new Error(value) });
    await logger.close();
    const written = lines();
    expect(written).toHaveLength(samples.length);
    for (const [n, line] of written.entries()) {
      expect(line).toMatch(/^[ -~]*$/);
      expect(JSON.parse(line)).toMatchObject({ level: 'info' });
      // pino writes U+FFFD for lone surrogates of short texts.
      if (!/\p{Cs}/u.test(samples[n][0])) expect(JSON.parse(line)).toMatchObject({ msg: samples[n][0] });
    }
  });
});

describe('createLogger on a terminal', () => {
  it('aligns records, one line each, with colours or without', async () => {
    const plain = make({ pretty: true, colour: false });
    plain.warn('cannot reach: it', { target: '10.0.0.7:80' });
    plain.info('ok');
    await plain.close();
    expect(lines()).toEqual([
      expect.stringMatching(/^\d\d:\d\d:\d\d\.\d{3} WARN {2}cannot reach: it \{"target":"10.0.0.7:80"\}$/),
      expect.stringMatching(/^\d\d:\d\d:\d\d\.\d{3} INFO {2}ok\s*$/),
    ]);
    const coloured = make({ pretty: true, colour: true });
    coloured.error('bad');
    await coloured.close();
    expect(lines()[2]).toContain('\u001b[31mERROR\u001b[39m');
  });

  it('shows no character that the terminal would obey', async () => {
    const logger = make({ pretty: true, colour: false });
    const evil = 'a\u001b[2J\r\nb\u009b1m\u202e\u007f\u2028é';
    logger.warn(evil, { [evil]: evil, deep: { [evil]: [evil] }, err: new ProxyError('internal', evil) });
    await logger.close();
    expect(lines()).toHaveLength(1);
    expect(lines()[0]).toMatch(/^[ -~é]*$/);
  });
});

describe('errors in fields', () => {
  const logOne = async (error: unknown, level: 'info' | 'debug' = 'info'): Promise<Record<string, unknown>> => {
    const logger = make({ level });
    logger.warn('text', { error });
    await logger.close();
    return records()[0]['error'] as Record<string, unknown>;
  };

  it('have code, source, message and causes, and no stack', async () => {
    const cause = Object.assign(new TypeError('connect ECONNREFUSED'), { code: 'ECONNREFUSED', port: 80 });
    expect(await logOne(new ProxyError('dial_failed', 'refused', { cause }))).toEqual({
      code: 'dial_failed',
      source: 'upstream',
      message: 'refused',
      cause: { name: 'TypeError', code: 'ECONNREFUSED', port: 80, message: 'connect ECONNREFUSED' },
    });
  });

  it('have a stack at debug, as frames without the message', async () => {
    const error = await logOne(new ProxyError('dial_failed', 'x\n    at forged (a.js:1:1)'), 'debug');
    expect(error['stack']).toEqual(expect.arrayContaining([expect.stringContaining('logger.test.ts')]));
  });

  it('have a stack, down to the cause, when they are a fault of prox', async () => {
    const error = await logOne(ProxyError.from(new TypeError('x is undefined')));
    expect(error).toMatchObject({ code: 'internal', stack: expect.any(Array), cause: { stack: expect.any(Array) } });
  });

  it('have no cause where there is none', async () => {
    const error = await logOne(new ProxyError('client_closed', 'closed', { cause: null }));
    expect(error).toEqual({ code: 'client_closed', source: 'client', message: 'closed' });
  });

  it('end, when the chain of causes does not', async () => {
    const error = new Error('a');
    error.cause = error;
    expect(JSON.stringify(await logOne(error)).match(/"message"/g)).toHaveLength(9);
    const aggregate = new AggregateError([new Error('v6'), 'v4'], 'all failed', { cause: Object.create(null) });
    expect(await logOne(aggregate).then(() => records()[1]['error'])).toMatchObject({
      errors: [{ message: 'v6' }, 'v4'],
    });
  });
});

describe('a process that ends at once', () => {
  it.each([
    ['process.exit', 'process.exit(3)', 3],
    ['an exception', 'throw new Error("x")', 1],
    ['nothing left to do', '', 0],
  ])('has its logs written: %s', async (_, end, code) => {
    const bundle = join(folder, 'child.cjs');
    await build({
      stdin: {
        contents: `
          import { createLogger } from './logger.ts';
          import { LogFiles } from './log-files.ts';
          const logger = createLogger({ pretty: false });
          const files = new LogFiles((message, fields) => logger.warn(message, fields));
          async function main() {
            const [file, full] = await Promise.all([files.acquire(process.argv[2]), files.acquire('/dev/full')]);
            file.write('line\\n');
            full.write('line\\n');
            setImmediate(() => { logger.error('last words'); ${end} });
          }
          void main();`,
        resolveDir: import.meta.dirname,
        loader: 'ts',
      },
      bundle: true,
      platform: 'node',
      format: 'cjs',
      outfile: bundle,
      logLevel: 'error',
    });
    const run = promisify(execFile)(process.execPath, [bundle, join(folder, 'a.log')], { timeout: 10_000 });
    const { stderr, status } = await run.then(
      (result) => ({ stderr: result.stderr, status: 0 }),
      (error: unknown) => ({
        stderr: String(Reflect.get(error as Error, 'stderr')),
        status: Reflect.get(error as Error, 'code'),
      }),
    );
    expect(status).toBe(code);
    expect(readFileSync(join(folder, 'a.log'), 'utf8')).toBe('line\n');
    expect(stderr).toContain('"msg":"last words"');
    expect(stderr).toContain('ENOSPC');
  });
});
