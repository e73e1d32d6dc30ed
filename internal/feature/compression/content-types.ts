/**
 * The types that are compressed unless the config names others: text, and what is text by another name. Images, audio, video,
 * fonts of the web and archives are compressed already.
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
