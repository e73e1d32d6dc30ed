export { createPassAction, type PassContext } from './pass.ts';
