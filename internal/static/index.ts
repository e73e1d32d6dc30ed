export { createDropAction } from './drop.ts';
export { createStaticAction } from './static.ts';
