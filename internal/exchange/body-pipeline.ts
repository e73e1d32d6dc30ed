import type { Fields } from '../message/index.ts';
import type { BodySink, BodySource, BodyStage, StageOwner } from './body-stage.ts';
import type { FlushResult } from './flush-result.ts';

/** The stages that a body goes through, from its source to its sink. */
export class BodyPipeline implements BodySink, BodySource {
  private readonly stages: readonly BodyStage[];

  /**
   * @param stages at least one, in the order in which the body goes through them
   * @param sink takes what the last stage passes on
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
    // The trailers stand in memory that their connection uses again, while a stage may keep them for later.
    return this.stages[0].end(trailers === null ? null : trailers.copy());
  }

  /** The sink has room again. */
  onDrain(): void {
    this.stages[this.stages.length - 1].onDrain();
  }

  close(): void {
    for (const stage of this.stages) stage.close();
  }
}
