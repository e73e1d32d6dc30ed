import type { ControlLine } from './control-line.ts';
import type { HubFrame, LineFrame, Send } from './frames.ts';
import type { SupervisorHub } from './supervisor-hub.ts';
import { WorkerLine } from './worker-line.ts';

/** The worker number of a process that is supervisor and worker in one. */
const LOCAL_WORKER = 0;

/** A line for a process that serves without workers. Both ends are in this process and behave as between two. */
export function connectLocally(hub: SupervisorHub): ControlLine {
  const toLine: Send<HubFrame> = (frames, sent) => {
    line.receive(structuredClone(frames));
    setImmediate(sent);
  };
  const toHub: Send<LineFrame> = (frames, sent) => {
    port.receive(structuredClone(frames));
    setImmediate(sent);
  };
  const line = new WorkerLine(toHub, hub.report);
  const port = hub.connect(LOCAL_WORKER, toLine);
  return line;
}
