import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Sources } from './sources.ts';

/**
 * Why log files cannot be opened, by their paths; those that can are not in it. Permissions are left to the process that
 * writes the logs: the one that checks the config may be another user's.
 */
export async function gatherLogProblems(paths: Iterable<string>, sources: Sources): Promise<Map<string, string>> {
  const problems = new Map<string, string>();
  const folders = new Map<string, string | null>();
  for (const path of paths) {
    const folder = dirname(path);
    let problem = folders.get(folder);
    if (problem === undefined) folders.set(folder, (problem = await folderProblem(folder)));
    // Watched, so that making the folder mends the config.
    if (problem !== null) sources.note(folder);
    problem ??= await pathProblem(path);
    if (problem !== null) problems.set(path, problem);
  }
  return problems;
}

async function folderProblem(folder: string): Promise<string | null> {
  try {
    return (await stat(folder)).isDirectory() ? null : `${folder} is not a folder`;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return `its folder ${folder} does not exist; create it, or name another`;
    return code === 'ENOTDIR' ? `a part of the path ${folder} is not a folder` : null;
  }
}

async function pathProblem(path: string): Promise<string | null> {
  const stats = await stat(path).catch(() => null);
  return stats?.isDirectory() === true ? 'it is a folder; expected the path of a file' : null;
}
