import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type LogLine, TestDaemon, webConfig } from '../testing/daemon.ts';
import { accepts, freePort } from '../testing/ports.ts';

const answer = (text: string): unknown => ({ type: 'static', status: 200, body_ref: { text } });

let daemon: TestDaemon;
afterEach(() => daemon.stop());

const get = async (): Promise<string> => (await fetch(daemon.url('/'))).text();

/** Does something to the files and waits until the config was read again. */
async function after(change: () => Promise<unknown>): Promise<LogLine> {
  const from = daemon.log.length;
  await change();
  return daemon.logged(({ msg }) => msg === 'config reloaded' || msg.startsWith('reload failed'), from);
}

describe('a reload begins by itself', () => {
  it('when an editor writes another file and renames it', async () => {
    daemon = await TestDaemon.start(webConfig([{ action: answer('before') }]));
    for (const text of ['once', 'twice', 'three times']) {
      await after(async () => {
        const written = join(daemon.folder, '.prox.json5.swp');
        await writeFile(written, JSON.stringify(webConfig([{ action: answer(text) }])));
        await rename(written, daemon.configPath);
      });
      expect(await get()).toBe(text);
    }
  });

  it('when an editor moves the file away before it writes it anew', async () => {
    daemon = await TestDaemon.start(webConfig([{ action: answer('before') }]));
    await after(async () => {
      await rename(daemon.configPath, `${daemon.configPath}~`);
      await writeFile(daemon.configPath, JSON.stringify(webConfig([{ action: answer('after') }])));
    });
    expect(await get()).toBe('after');
  });

  it('when the config is removed, and again when it is back', async () => {
    daemon = await TestDaemon.start(webConfig([{ action: answer('before') }]));
    const removed = await after(() => rm(daemon.configPath));
    expect(removed.level).toBe('error');
    expect(await get()).toBe('before');
    const back = await after(() => daemon.writeConfig(webConfig([{ action: answer('after') }])));
    expect(back.msg).toBe('config reloaded');
    expect(await get()).toBe('after');
  });

  it('when a ConfigMap volume swaps its symbolic link', async () => {
    const text = (body: string): string => JSON.stringify(webConfig([{ action: answer(body) }]));
    // As the kubelet lays them out: prox.json5 -> ..data/prox.json5, ..data -> ..1.
    const prepare = async (folder: string): Promise<string> => {
      const configPath = join(folder, 'prox.json5');
      await rm(configPath);
      await mkdir(join(folder, '..1'));
      await writeFile(join(folder, '..1/prox.json5'), text('before'));
      await symlink('..1', join(folder, '..data'));
      await symlink('..data/prox.json5', configPath);
      return configPath;
    };
    daemon = await TestDaemon.start('', { prepare });
    const { folder } = daemon;
    expect(await get()).toBe('before');
    for (const number of [2, 3]) {
      await after(async () => {
        await mkdir(join(folder, `..${number}`));
        await writeFile(join(folder, `..${number}/prox.json5`), text(`version ${number}`));
        await symlink(`..${number}`, join(folder, '..data_tmp'));
        await rename(join(folder, '..data_tmp'), join(folder, '..data'));
        await rm(join(folder, `..${number - 1}`), { recursive: true });
      });
      expect(await get()).toBe(`version ${number}`);
    }
  });

  it('when an included file changes', async () => {
    const routes = (text: string): string => JSON.stringify([{ action: answer(text) }]);
    daemon = await TestDaemon.start(webConfig(['./routes.json5']), { files: { 'routes.json5': routes('before') } });
    const include = join(daemon.folder, 'routes.json5');
    await after(() => writeFile(include, routes('after')));
    expect(await get()).toBe('after');
    const broken = await after(() => writeFile(include, `[\n  { action: 'nowhere' }\n]`));
    expect(broken.level).toBe('error');
    await daemon.logged(({ msg }) => msg.includes('routes.json5:2:13: '));
    expect(await get()).toBe('after');
    await after(() => writeFile(include, routes('mended')));
    expect(await get()).toBe('mended');
  });

  it('when a file of a resource changes', async () => {
    const action = { type: 'static', status: 200, body_ref: { file: './body.txt' } };
    daemon = await TestDaemon.start(webConfig([{ action }]), { files: { 'body.txt': 'before' } });
    await after(() => writeFile(join(daemon.folder, 'body.txt'), 'after'));
    expect(await get()).toBe('after');
  });

  it('when a service file comes into a config folder, changes, or goes', async () => {
    const [one, two] = [await freePort(), await freePort()];
    const service = (port: number, text: string): string =>
      JSON.stringify({ listen: `127.0.0.1:${port}`, routes: [{ action: answer(text) }] });
    const prepare = async (folder: string): Promise<string> => {
      await mkdir(join(folder, 'services'));
      await writeFile(join(folder, 'services/one.json5'), service(one, 'one'));
      return join(folder, 'services');
    };
    daemon = await TestDaemon.start('', { prepare });
    const services = daemon.configPath;
    const text = async (port: number): Promise<string> => (await fetch(`http://127.0.0.1:${port}/`)).text();
    expect(await text(one)).toBe('one');

    await after(() => writeFile(join(services, 'two.json5'), service(two, 'two')));
    expect(await text(two)).toBe('two');
    await after(() => writeFile(join(services, 'two.json5'), service(two, 'changed')));
    expect(await text(two)).toBe('changed');
    await after(() => rm(join(services, 'one.json5')));
    expect(await accepts(one)).toBe(false);
    expect(await text(two)).toBe('changed');
  });

  it('once for many writes in a row', async () => {
    daemon = await TestDaemon.start(webConfig([{ action: answer('before') }]));
    await after(async () => {
      for (let i = 0; i < 20; i++) await daemon.writeConfig(webConfig([{ action: answer(`version ${i}`) }]));
    });
    expect(await get()).toBe('version 19');
    expect(daemon.log.filter(({ msg }) => msg === 'config reloaded')).toHaveLength(1);
    expect(daemon.log.filter(({ level }) => level === 'error')).toEqual([]);
  });
});
