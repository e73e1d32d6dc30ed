import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withoutTools } from './absent-tools.ts';

/** As a test has it; not written out, or this file would be left out itself. */
const quoted = (tool: string): string => `'${tool}'`;

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'prox-tools-'));
  const files = {
    'testing/web-server.ts': `import { start } from './process.ts';\nexport const web = () => start(${quoted(`nginx`)});\n`,
    'testing/process.ts': 'export const start = (name: string) => name;\n',
    'direct.test.ts': `run(${quoted(`curl`)}, ['-s']);\n`,
    'through.test.ts': `import {\n  web,\n} from './testing/web-server.ts';\n`,
    'none.test.ts': `import { start } from './testing/process.ts';\n`,
    'bin/curl': '',
    'bin/nginx': '',
  };
  for (const folder of ['testing', 'bin']) await mkdir(join(root, folder));
  for (const [name, text] of Object.entries(files)) {
    await writeFile(join(root, name), text);
    if (name.startsWith('bin/')) await chmod(join(root, name), 0o755);
  }
});
afterAll(() => rm(root, { recursive: true }));

describe('tests on a machine without their tools', () => {
  it('are left out when they run one, themselves or through what they import', () => {
    const { files, lines } = withoutTools(root, ['.'], '/nowhere');
    expect(files.toSorted()).toEqual(['direct.test.ts', 'through.test.ts']);
    expect(lines).toEqual([
      'curl is absent: test files that need it are left out, 1 of 3',
      'nginx is absent: test files that need it are left out, 1 of 3',
    ]);
  });

  it('are all there when the tools are', () => {
    // What no test of the folder needs is not asked for.
    expect(withoutTools(root, ['.'], join(root, 'bin'))).toEqual({ files: [], lines: [] });
  });
});
