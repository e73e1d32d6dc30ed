/** A proxy, or something that it needs, cannot be had here: it is left out, and the message says why. */
export class Missing extends Error {}
