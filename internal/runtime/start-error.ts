import type { Position } from '../config/index.ts';

/** A config that is valid but cannot be put in force on this machine, or not by this version. */
export class StartError extends Error {
  /** Where in the config the cause stands. */
  readonly position: Position;
  /** Path of the setting, such as `services.web.listen`. */
  readonly path: string;

  constructor(position: Position, path: string, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'StartError';
    this.position = position;
    this.path = path;
  }
}
