import { accessSync, constants, readdirSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

/** Programs that tests run beside Node, npm, sh and what POSIX asks of every system; .ci/install-tools.sh installs them. */
const TOOLS = 'bash chromium curl git h2load haproxy nginx openssl perl prlimit script'.split(' ');

/** A tool as tests name it in what they run. */
const NAMED = new RegExp(`'(${TOOLS.join('|')})'`, 'g');

/** What a test takes from the files beside it, or from tests/testing. */
const IMPORTED = /^(?:import|export) [^;]*?from '(\.[^']+\.ts)';$/gm;

/** Test files that cannot run on this machine. */
export interface LeftOut {
  readonly files: readonly string[];
  /** One for each tool that is absent. */
  readonly lines: readonly string[];
}

/**
 * Finds the test files that run a program which is not in the path, themselves or through what they import of
 * `testing/` folders.
 * @param root of the project
 * @param folders in it, in which tests are
 */
export function withoutTools(root: string, folders: readonly string[], path = process.env['PATH'] ?? ''): LeftOut {
  const absent = TOOLS.filter((tool) => !isPresent(tool, path));
  if (absent.length === 0) return { files: [], lines: [] };
  const tests = folders.flatMap((folder) => testsIn(root, folder));
  const needs = new Map(tests.map((file) => [file, toolsOf(join(root, file), new Set())]));
  const files = tests.filter((file) => absent.some((tool) => needs.get(file)?.has(tool)));
  const lines = absent.flatMap((tool) => {
    const count = tests.filter((file) => needs.get(file)?.has(tool)).length;
    return count === 0 ? [] : [`${tool} is absent: test files that need it are left out, ${count} of ${tests.length}`];
  });
  return { files, lines };
}

function isPresent(tool: string, path: string): boolean {
  return path.split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, tool), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function testsIn(root: string, folder: string): string[] {
  const names = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.test.ts')).map((name) => join(folder, name));
}

function toolsOf(file: string, seen: Set<string>): Set<string> {
  seen.add(file);
  const text = readFileSync(file, 'utf8');
  const found = new Set([...text.matchAll(NAMED)].map(([, tool = '']) => tool));
  for (const [, path = ''] of text.matchAll(IMPORTED)) {
    const imported = join(dirname(file), path);
    if (!imported.includes('/testing/') || seen.has(imported)) continue;
    for (const tool of toolsOf(imported, seen)) found.add(tool);
  }
  return found;
}
