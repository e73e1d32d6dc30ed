/**
 * The default types to compress: text, and other types whose content is text. Images, audio, video, web fonts and archives
 * are compressed already.
 */
export const COMPRESSED_TYPES: readonly string[] = [
  'text/*',
  '+json',
  '+xml',
  'application/json',
  'application/javascript',
  'application/x-javascript',
  'application/ecmascript',
  'application/xml',
  'application/wasm',
  'application/x-ndjson',
  'application/graphql',
  'application/toml',
  'application/yaml',
  'application/rtf',
  'application/x-www-form-urlencoded',
  'application/vnd.ms-fontobject',
  'font/ttf',
  'font/otf',
  'font/collection',
  'image/bmp',
  'image/svg+xml',
  'image/vnd.microsoft.icon',
  'image/x-icon',
];
