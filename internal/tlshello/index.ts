export type { ClientHello } from './client-hello.ts';
export { ClientHelloReader } from './client-hello-reader.ts';
export { MAX_CLIENT_HELLO_BYTES } from './limits.ts';
