import type { NamedCoding } from '../message/index.ts';

/** A content coding of a compressed sibling. */
export interface Coding extends NamedCoding {
  /** The extension that is added to the name of the original. */
  readonly extension: string;
}

/** In the order of preference if the client's q values are equal: the smallest first. */
export const CODINGS: readonly Coding[] = [
  { name: 'br', extension: '.br' },
  { name: 'zstd', extension: '.zst' },
  { name: 'gzip', extension: '.gz' },
];

/**
 * Types that are already compressed: they have no siblings, and looking for siblings would cost three more system
 * calls.
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
