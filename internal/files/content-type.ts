import mime from 'mime';

/**
 * Content-Type for a file, from the extension of its path. Text is sent as UTF-8, which nearly all text is; without the
 * parameter, browsers would read it as windows-1252. The default is application/octet-stream.
 * @param path with at least one slash
 */
export function contentTypeOf(path: string): string {
  const type = mime.getType(path) ?? 'application/octet-stream';
  return type.startsWith('text/') ? `${type}; charset=utf-8` : type;
}
