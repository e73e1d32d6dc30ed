import type * as z from 'zod';

/**
 * What the config knows of a built-in middleware. Its fields, their meaning, the check of them and what they become all
 * stand in the folder of the middleware; the list of all of them is an argument of `loadConfig` and of `jsonSchema`.
 *
 * `Raw` is what the schema accepts (`z.infer<typeof schema>`), `Config` what `build` makes of it.
 */
export interface FeatureSchema<Raw = unknown, Config = unknown> {
  /** The value of `category` in an entry of `plugins`. */
  readonly category: string;
  /** The keys of an entry, made with `middleware`. */
  readonly schema: z.ZodObject;
  /**
   * Entries that exist without a declaration, by their name without its prefix: `requestId` is listed as
   * `prox:requestId` or `pingap:requestId`. The values are the fields of the entry besides `category`.
   */
  readonly readyMade?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /**
   * Makes the config of an entry: every default filled in, nothing left to check at run time. The result is plain data
   * that `structuredClone` takes, as it is sent to the workers; the caller freezes it.
   *
   * @returns null, and problems, when that is not possible
   */
  build(raw: Raw, entry: PluginEntry): Config | null;
}

/** The entry of `plugins` that a feature builds the config of. */
export interface PluginEntry {
  /** Its name in `plugins`. */
  readonly name: string;
  /** Files a problem at a key of the entry. */
  report(path: readonly PropertyKey[], message: string): null;
  /** As `report`, of a key that is missing; left out where an unknown key stands beside it, which is the mistake then. */
  reportMissing(path: readonly PropertyKey[], message: string): null;
  /** Files a warning at a key of the entry: the config can be used. */
  warn(path: readonly [string, ...PropertyKey[]], message: string): void;
  /** Absolute form of a path; a relative one starts from the folder of the file that holds the entry. */
  absolute(path: string): string;
}
