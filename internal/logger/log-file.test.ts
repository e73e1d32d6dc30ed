import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FileSink } from './file-sink.ts';
import { LogFile, type LogFileOptions } from './log-file.ts';
import type { Done, Sink } from './sink.ts';

/** A sink that does what the test says, one operation at a time. */
class FakeSink implements Sink {
  lostLines = 0;
  text = '';
  readonly events: string[] = [];
  #pending: { chunk: string; done: Done } | null = null;
  #held = '';

  write(chunk: Buffer, done: Done): void {
    expect(this.#pending).toBeNull();
    this.#held = chunk.toString();
    this.#pending = { chunk: this.#held, done };
  }
  retry(done: Done): void {
    this.#pending = { chunk: this.#held, done };
  }
  reopen(done: Done): void {
    this.events.push(`reopen after ${this.text.length}`);
    done(null);
  }
  close(done: Done): void {
    this.events.push('close');
    done(null);
  }
  writeSync(chunk: Buffer): void {
    this.text += chunk.toString();
  }

  get busy(): boolean {
    return this.#pending !== null;
  }
  succeed(): void {
    const { chunk, done } = this.#pending!;
    this.#pending = null;
    this.text += chunk;
    done(null);
  }
  fail(): void {
    const { done } = this.#pending!;
    this.#pending = null;
    done(Object.assign(new Error('no space left on device'), { code: 'ENOSPC' }));
  }
}

interface Told {
  readonly message: string;
  readonly fields: Record<string, unknown>;
}

function fakeFile(options: LogFileOptions): { sink: FakeSink; file: LogFile; told: Told[] } {
  const sink = new FakeSink();
  const told: Told[] = [];
  return { sink, told, file: new LogFile('x.log', sink, (message, fields) => told.push({ message, fields }), options) };
}

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'prox-log-'));
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(folder, { recursive: true });
});

async function open(path: string, told: Told[] = [], options: LogFileOptions = {}): Promise<LogFile> {
  return new LogFile(path, await FileSink.open(path), (message, fields) => told.push({ message, fields }), options);
}

const read = (name: string): string => readFileSync(join(folder, name), 'utf8');

describe('LogFile, writing', () => {
  it('appends to what the file holds, and has written all when it is closed', async () => {
    const path = join(folder, 'a.log');
    for (const text of ['one\n', 'two\n']) {
      const file = await open(path);
      file.write(text);
      await file.close();
    }
    expect(read('a.log')).toBe('one\ntwo\n');
  });

  it('gathers lines until the batch is full', () => {
    const { sink, file } = fakeFile({ batchSize: 10 });
    file.write('1234\n');
    expect(sink.busy).toBe(false);
    file.write('6789\n');
    expect(sink.busy).toBe(true);
    sink.succeed();
    expect(sink.text).toBe('1234\n6789\n');
  });

  it('writes a batch that does not fill up after flushEvery', () => {
    vi.useFakeTimers();
    const { sink, file } = fakeFile({ flushEvery: 1000 });
    file.write('a\n');
    vi.advanceTimersByTime(999);
    expect(sink.busy).toBe(false);
    vi.advanceTimersByTime(1);
    sink.succeed();
    file.write('b\n');
    vi.advanceTimersByTime(1000);
    sink.succeed();
    expect(sink.text).toBe('a\nb\n');
  });

  it('holds no line back for 200 ms by default', () => {
    vi.useFakeTimers();
    const { sink, file } = fakeFile({});
    file.write('a\n');
    vi.advanceTimersByTime(199);
    expect(sink.busy).toBe(true);
  });

  it('keeps the bytes of a chunk in flight apart from those that follow', () => {
    const { sink, file } = fakeFile({ batchSize: 4 });
    for (const line of ['aaa\n', 'bbb\n', 'ccc\n', 'ddddddddddddd\n']) file.write(line);
    while (sink.busy) sink.succeed();
    expect(sink.text).toBe('aaa\nbbb\nccc\nddddddddddddd\n');
  });

  it('writes many lines in order, whatever the pieces', async () => {
    const file = await open(join(folder, 'a.log'), [], { batchSize: 1000 });
    const lines = Array.from({ length: 20_000 }, (_, n) => `line ${n}\n`);
    for (const line of lines) file.write(line);
    await file.flush();
    expect(read('a.log')).toBe(lines.join(''));
    await file.close();
  });
});

describe('LogFile, reopening', () => {
  it('loses no line and doubles none: before to the old file, after to the new', async () => {
    const path = join(folder, 'a.log');
    const file = await open(path, [], { batchSize: 200 });
    let n = 0;
    const write = (count: number): void => {
      for (let i = 0; i < count; i++) file.write(`line ${n++}\n`);
    };
    const bounds: number[] = [0];
    for (let rotation = 0; rotation < 20; rotation++) {
      write(997);
      renameSync(path, join(folder, `a.${rotation}`));
      const reopened = file.reopen();
      bounds.push(n);
      write(313);
      await reopened;
    }
    await file.close();
    for (let rotation = 0; rotation < 20; rotation++) {
      const expected = Array.from(
        { length: bounds[rotation + 1] - bounds[rotation] },
        (_, i) => `line ${bounds[rotation] + i}\n`,
      );
      expect(read(`a.${rotation}`)).toBe(expected.join(''));
    }
    expect(read('a.log').split('\n')).toHaveLength(313 + 1);
  });

  it('stays with the old file when its folder is gone, says so, and moves when the folder is back', async () => {
    const path = join(folder, 'logs', 'a.log');
    mkdirSync(join(folder, 'logs'));
    const told: Told[] = [];
    const file = await open(path, told, { flushEvery: 5 });
    renameSync(join(folder, 'logs'), join(folder, 'moved'));
    await file.reopen();
    expect(told).toMatchObject([
      { message: expect.stringContaining('cannot reopen'), fields: { path, error: { code: 'ENOENT' } } },
    ]);
    file.write('still here\n');
    await file.flush();
    expect(read('moved/a.log')).toBe('still here\n');
    mkdirSync(join(folder, 'logs'));
    await vi.waitFor(() => expect(told).toHaveLength(2));
    file.write('back\n');
    await file.close();
    expect(read('logs/a.log')).toBe('back\n');
  });
});

describe('LogFile, when writing fails', () => {
  it('keeps lines up to maxPending, drops and counts the rest, and tells when writing works again', () => {
    vi.useFakeTimers();
    const { sink, file, told } = fakeFile({ batchSize: 4, maxPending: 8, flushEvery: 1000 });
    file.write('aaa\n');
    sink.fail();
    expect(told).toMatchObject([{ fields: { path: 'x.log', error: { code: 'ENOSPC' } } }]);
    for (const line of ['bbb\n', 'ccc\n', 'ddd\n', 'eee\n']) file.write(line);
    vi.advanceTimersByTime(1000);
    while (sink.busy) sink.succeed();
    expect(sink.text).toBe('aaa\nbbb\nccc\n');
    expect(told[1]).toEqual({ message: 'the log file is written again', fields: { path: 'x.log', dropped: 2 } });
    file.write('fff\n');
    sink.succeed();
    expect(sink.text).toBe('aaa\nbbb\nccc\nfff\n');
    expect(told).toHaveLength(2);
  });

  it('warns once a warnEvery, however often writing fails', () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const { sink, file, told } = fakeFile({ flushEvery: 1000, warnEvery: 10_000 });
    file.write('a\n');
    for (let second = 0; second < 25; second++) {
      vi.advanceTimersByTime(1000);
      sink.fail();
    }
    expect(told).toHaveLength(3);
  });

  it('counts what a slow file could not take, without an error', () => {
    const { sink, file, told } = fakeFile({ batchSize: 4, maxPending: 4 });
    for (const line of ['aaa\n', 'bbb\n', 'ccc\n', 'ddd\n']) file.write(line);
    while (sink.busy) sink.succeed();
    expect(sink.text).toBe('aaa\nbbb\n');
    expect(told).toMatchObject([{ message: expect.stringContaining('too slowly'), fields: { dropped: 2 } }]);
  });

  it('does not wait for a full disk: flush and close resolve, and close counts the loss', async () => {
    const told: Told[] = [];
    const file = await open('/dev/full', told, { flushEvery: 5 });
    file.write('a\n');
    await file.flush();
    file.write('b\n');
    await file.close();
    expect(told).toMatchObject([{ fields: { error: { code: 'ENOSPC' } } }, { fields: { dropped: 2 } }]);
  });

  it('moves what it kept to the new file when a reopen ends the trouble', async () => {
    const path = join(folder, 'a.log');
    symlinkSync('/dev/full', path);
    const told: Told[] = [];
    const file = await open(path, told, { flushEvery: 5 });
    file.write('kept\n');
    await vi.waitFor(() => {
      file.send();
      expect(told).toHaveLength(1);
    });
    unlinkSync(path);
    await file.reopen();
    await vi.waitFor(() => expect(told).toHaveLength(2));
    expect(told[1].fields).toEqual({ path, dropped: 0 });
    file.write('new\n');
    await file.close();
    expect(read('a.log')).toBe('kept\nnew\n');
  });
});

describe('LogFile.flushSync', () => {
  it('writes in this call what is gathered', async () => {
    const file = await open(join(folder, 'a.log'));
    file.write('a\n');
    file.flushSync();
    expect(read('a.log')).toBe('a\n');
    await file.close();
    expect(read('a.log')).toBe('a\n');
  });

  it('returns when the disk is full', async () => {
    const told: Told[] = [];
    const file = await open('/dev/full', told);
    file.write('a\n');
    file.flushSync();
    expect(told).toMatchObject([{ message: 'log lines were lost at exit' }]);
    await file.close();
  });
});

describe('FileSink', () => {
  it('creates files that others cannot read', async () => {
    const path = join(folder, 'a.log');
    await (await open(path)).close();
    expect(statSync(path).mode & 0o137).toBe(0);
  });
});
