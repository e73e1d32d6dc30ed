export { SharedSpeeds } from './shared-speeds.ts';
export { superviseSpeeds } from './speed-keeper.ts';
