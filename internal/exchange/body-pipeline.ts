import type { Fields } from '../message/index.ts';
import type { BodySink, BodySource, BodyStage, StageOwner } from './body-stage.ts';
import type { FlushResult } from './flush-result.ts';

/** The stages of a body, from where it comes from to where it goes. */
export class BodyPipeline implements BodySink, BodySource {
  private readonly stages: readonly BodyStage[];

  /**
   * @param stages at least one, in the order in which the body goes through them
   * @param sink what stands behind the last
   */
  constructor(stages: readonly BodyStage[], sink: BodySink, owner: StageOwner & BodySource) {
    this.stages = stages;
    stages.forEach((stage, i) => stage.connect(stages[i + 1] ?? sink, stages[i - 1] ?? owner, owner));
  }

  write(buffer: Buffer, start: number, end: number): void {
    this.stages[0].write(buffer, start, end);
  }

  flush(): FlushResult {
    return this.stages[0].flush();
  }

  end(trailers: Fields | null): FlushResult {
    // They stand in memory that their connection uses again, and stages may keep them for later.
    return this.stages[0].end(trailers === null ? null : trailers.copy());
  }

  /** What stands behind the last stage has room again. */
  onDrain(): void {
    this.stages[this.stages.length - 1].onDrain();
  }

  close(): void {
    for (const stage of this.stages) stage.close();
  }
}
