import { run } from './tls.ts';

/** Runs `openssl s_client` on a port; `input` is sent once the handshake is over, and the answer waited for. */
export async function sClient(port: number, args: readonly string[], input = ''): Promise<string> {
  const all = ['s_client', '-connect', `127.0.0.1:${port}`, ...args];
  // -ign_eof reads until the server closes, -quiet would hide the handshake.
  const { output } = await run('openssl', input === '' ? all : [...all, '-ign_eof'], input);
  return output;
}
