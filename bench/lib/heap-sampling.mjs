/**
 * Loaded into a process by --import: notes what it allocates between SIGWINCH and the next one, garbage included, and writes the
 * sum to the file that PROX_ALLOCATIONS names.
 */
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';

/** Bytes between two samples on average: fine enough for a sum over many thousand requests. */
const INTERVAL = 4096;

const session = new Session();
session.connect();
let sampling = false;

process.on('SIGWINCH', () => {
  if (!sampling) {
    session.post('HeapProfiler.startSampling', {
      samplingInterval: INTERVAL,
      includeObjectsCollectedByMajorGC: true,
      includeObjectsCollectedByMinorGC: true,
    });
    sampling = true;
    return;
  }
  session.post('HeapProfiler.stopSampling', (error, result) => {
    if (error !== null) throw error;
    const functions = new Map();
    gather(result.profile.head, functions);
    writeFileSync(process.env.PROX_ALLOCATIONS, JSON.stringify([...functions]));
  });
});

function gather({ callFrame, selfSize, children }, functions) {
  const name = `${callFrame.functionName || '(anonymous)'} ${callFrame.url.split('/').at(-1)}`;
  functions.set(name, (functions.get(name) ?? 0) + selfSize);
  for (const child of children) gather(child, functions);
}
