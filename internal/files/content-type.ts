import mime from 'mime';

/**
 * Content-Type for a file, from the extension of its path. Text is sent as UTF-8, which it nearly always is; without
 * the parameter browsers would take it for windows-1252. A name that says nothing is application/octet-stream.
 * @param path with at least one slash
 */
export function contentTypeOf(path: string): string {
  const type = mime.getType(path) ?? 'application/octet-stream';
  return type.startsWith('text/') ? `${type}; charset=utf-8` : type;
}
