/** What a program of the system says of itself. */
import { spawnSync } from 'node:child_process';
import { Missing } from './missing.mjs';

/** The first group of a pattern in what a command prints. @throws {Missing} when there is no such command */
export function commandVersion(command, args, pattern) {
  const { error, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (error !== undefined) throw new Missing(`${command}: not found`);
  const version = pattern.exec(`${stdout}\n${stderr}`)?.[1];
  if (version === undefined) throw new Missing(`${command} ${args.join(' ')}: says no version`);
  return version;
}
