import { CHUNKED, type Fields, type Framing } from '../message/index.ts';
import type { BodyStage } from './body-stage.ts';

/** The parts that the head of a request to an upstream is made from. */
export interface RequestHead {
  readonly method: string;
  /** The path in forward form; see Exchange. */
  readonly forwardPath: string;
  /** With its `?`, or empty. */
  readonly query: string;
  /** Host and port; empty only for HTTP/1.0 without Host. */
  readonly authority: string;
  readonly requestFields: Fields;
  readonly requestFraming: Framing;
}

/**
 * A request as filters have changed it: what the upstream gets. The received request stays unchanged for logs, routes and
 * decisions about security. Each attempt at an upstream gets a copy of its own, so that a retry or a fallback does not
 * inherit the edits of the previous attempt.
 */
export class EffectiveRequest implements RequestHead {
  method: string;
  forwardPath: string;
  query: string;
  authority: string;
  readonly requestFields: Fields;
  requestFraming: Framing;
  /** Stages in the order in which the body goes through them on its way to the upstream; null while there are none. */
  stages: BodyStage[] | null = null;

  /** A copy for one attempt: the body passes the stages of the exchange alone. */
  private readonly ofAttempt: boolean;

  constructor(of: RequestHead, ofAttempt = false) {
    this.ofAttempt = ofAttempt;
    this.method = of.method;
    this.forwardPath = of.forwardPath;
    this.query = of.query;
    this.authority = of.authority;
    this.requestFields = of.requestFields.copy();
    this.requestFraming = of.requestFraming;
  }

  /**
   * Sends the body through a stage that passes every byte on as it is.
   * @throws Error for an attempt: stages belong to onRequest, as the body is read once
   */
  addStage(stage: BodyStage): void {
    if (this.ofAttempt) throw new Error('stages of a request body are added in onRequest, not for one attempt');
    if (this.requestFraming !== 0) (this.stages ??= []).push(stage);
  }

  /** Sends the body through a stage that changes it, so that its length is not known any more. @throws Error as `addStage` */
  transformBody(stage: BodyStage): void {
    this.addStage(stage);
    if (this.requestFraming === 0) return;
    this.requestFields.remove('content-length');
    this.requestFraming = CHUNKED;
  }

  /** Frees what the stages hold: the exchange is over, or its body is not needed any more. */
  closeStages(): void {
    const { stages } = this;
    this.stages = null;
    for (const stage of stages ?? []) stage.close();
  }
}
