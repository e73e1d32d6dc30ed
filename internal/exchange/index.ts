export { BodyPipeline } from './body-pipeline.ts';
export { type BodySink, type BodySource, BodyStage, type StageOwner } from './body-stage.ts';
export { EffectiveRequest, type RequestHead } from './effective-request.ts';
export {
  type Action,
  type ArrivingClient,
  type ConnectionAction,
  type ConnectionDecision,
  type ConnectionVerdict,
  type Decision,
  type DomainCaptures,
  type Exchange,
  type ExchangeHandler,
  type FailureSubject,
  type Filter,
  type FilterChain,
  type Outcome,
  type RelayedConnection,
  type RelayOutcome,
  type ResponseDecision,
  type ResponseVerdict,
  RETRY,
  type RouteContext,
  type Verdict,
} from './exchange.ts';
export { EXCHANGE_PLACEHOLDERS, FILE_PLACEHOLDERS } from './exchange-placeholders.ts';
export type { CompileContext, Feature, PassedFailure, SharedState } from './feature.ts';
export { compileFieldValue } from './field-template.ts';
export { compileFilters } from './filter-chain.ts';
export { FlushResult } from './flush-result.ts';
export { type PhaseOwner, runPhase } from './phase.ts';
export { removeDigests, ResponseHead } from './response-head.ts';
export { type ConnectionSpeed, createRouteSpeed, type RouteSpeed, type RouteSpeedOptions } from './route-speed.ts';
export { givenRequestId, type Identified, requestIdOf, setRequestId } from './request-id.ts';
export { cookieValue, fieldValue, queryValue } from './request-values.ts';
export { Run } from './run.ts';
export { Slot, type SlotHolder, SlotNumbers } from './slot.ts';
export { compileTemplate, type Placeholders, type Template } from './template.ts';
export { Answer, DROP, FALLBACK } from './verdict-actions.ts';
