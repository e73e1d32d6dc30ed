/** Another commit of this repository, checked out beside it for as long as this process lives. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { ROOT } from './bundle.mjs';

/**
 * Checks a commit out into a temporary folder, which goes when this process exits.
 * @param {string} ref branch, tag or commit
 * @returns {{ tree: string, commit: string }} the checkout, and the commit in short
 * @throws {Error} when there is no such commit
 */
export function checkOut(ref) {
  const commit = commitOf(ref);
  const folder = mkdtempSync(join(tmpdir(), 'prox-micro-'));
  const tree = join(folder, 'tree');
  process.once('exit', () => remove(folder, tree));
  git('worktree', 'add', '--detach', tree, commit);
  // The same dependencies where they are the same; else the commit needs those of its own to be built.
  if (lockOf(tree) === lockOf(ROOT)) symlinkSync(join(ROOT, 'node_modules'), join(tree, 'node_modules'));
  else
    execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--silent'], {
      cwd: tree,
      stdio: 'ignore',
    });
  return { tree, commit };
}

function lockOf(tree) {
  return readFileSync(join(tree, 'package-lock.json'), 'utf8');
}

function commitOf(ref) {
  try {
    return git('rev-parse', '--short', '--verify', '--end-of-options', `${ref}^{commit}`).trim();
  } catch (error) {
    throw new Error(`no such commit: ${ref}`, { cause: error });
  }
}

/** A file of a commit, or null when it is not there. */
export function fileOf(commit, path) {
  return git('ls-tree', '--name-only', commit, path) === '' ? null : git('show', `${commit}:${path}`);
}

function remove(folder, tree) {
  // The folder first: a checkout that was cut off half way cannot be removed in any other way.
  rmSync(folder, { recursive: true, force: true });
  const known = git('worktree', 'list', '--porcelain').split('\n').includes(`worktree ${tree}`);
  if (known) git('worktree', 'remove', '--force', tree);
}

function git(...args) {
  return execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}
