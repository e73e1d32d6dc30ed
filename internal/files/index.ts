export { createServeAction } from './serve.ts';
