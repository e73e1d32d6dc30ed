import type { NamedCoding } from '../message/index.ts';

/** A content coding that a file may lie beside the original in. */
export interface Coding extends NamedCoding {
  /** What is added to the name of the original. */
  readonly extension: string;
}

/** In the order of preference among codings that the client likes alike: the smallest first. */
export const CODINGS: readonly Coding[] = [
  { name: 'br', extension: '.br' },
  { name: 'zstd', extension: '.zst' },
  { name: 'gzip', extension: '.gz' },
];

/**
 * Types that are compressed already: nobody lays siblings beside them, and looking for some would cost three system
 * calls more.
 */
const COMPRESSED_MEDIA = /^(?:image|video|audio)\/|^font\/woff/;
const PLAIN_MEDIA = /^image\/(?:svg\+xml|bmp|tiff|x-icon|vnd\.microsoft\.icon)|^audio\/(?:midi|(?:x-)?wav)/;
const ARCHIVE =
  /^application\/(?:gzip|zip|zstd|x-7z-compressed|x-bzip2?|x-xz|vnd\.rar|java-archive|epub\+zip|vnd\.openxml.*)$/;

/** Whether a file of that Content-Type may have compressed siblings. */
export function mayHaveSiblings(contentType: string): boolean {
  if (COMPRESSED_MEDIA.test(contentType)) return PLAIN_MEDIA.test(contentType);
  return !ARCHIVE.test(contentType);
}
