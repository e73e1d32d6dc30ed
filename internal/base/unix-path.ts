/** Bytes of the path of a unix socket: sun_path has 108, including its closing NUL. */
export const MAX_UNIX_PATH = 107;
