/**
 * What a chat shows, as a value: a snapshot and the events after it, reduced.
 *
 * Pure: `reduce(state, event)` returns a new state and changes nothing. Kinds that begin with `page.` are
 * this page's own doings; all others are the server's. `wanted` names messages whose text has to be fetched.
 */

import { applyDelta, fresh, leavesGap } from "./drafts.js";

const UNFINISHED = new Set(["queued", "admitted", "running"]);

/** Whether a subagent still works or waits. */
export const isUnfinished = (subagent) => UNFINISHED.has(subagent.state);

/** Return the state of a chat that has nothing in it. */
export function empty() {
  return {
    session: null,
    turn: null,
    waiting: false,
    stopping: false,
    messages: new Map(),
    tools: new Map(),
    approvals: new Map(),
    subagents: new Map(),
    exports: new Map(),
    notices: new Map(),
    forks: [],
    answers: new Map(),
    pending: [],
    wanted: new Set(),
  };
}

/** Return the state that a snapshot tells; `pending` are this page's messages still on their way. */
export function fromSnapshot(snapshot, pending = []) {
  const index = (items, key, make = (item) => item) =>
    new Map((items ?? []).map((item) => [item[key], make(item)]));
  return {
    ...empty(),
    session: {
      id: snapshot.id,
      title: snapshot.title,
      state: snapshot.state,
      model: snapshot.model,
      branch_id: snapshot.branch_id ?? null,
    },
    forks: snapshot.forks ?? [],
    turn: snapshot.turn ?? null,
    messages: index(snapshot.messages, "message_id", fresh),
    tools: index(snapshot.tool_calls, "call_id"),
    approvals: index(snapshot.approvals, "approval_id"),
    subagents: index(snapshot.subagents, "subagent_id"),
    exports: index(snapshot.exports, "subagent_id"),
    notices: index(snapshot.notices, "seq"),
    answers: index(snapshot.answers, "turn_id"),
    pending,
    wanted: new Set(
      (snapshot.messages ?? []).filter((item) => item.truncated).map((item) => item.message_id),
    ),
  };
}

/** Whether the event is text that does not follow from the text that is there: the snapshot has it. */
export function lacksText({ messages }, { kind, payload }) {
  const known = kind === "message.delta" && messages.get(payload.message_id);
  return Boolean(known) && leavesGap(known, payload);
}

/** Whether the event tells of another branch than the one that is there: the snapshot has it. */
export function changesBranch({ session }, { kind, payload }) {
  return kind === "session.updated" && Boolean(session) && payload.branch_id !== session.branch_id;
}

/** Return the state after the event. Unknown kinds change nothing. */
export function reduce(state, event) {
  const step = STEPS[event.kind];
  return step ? step(state, event.payload, event) : state;
}

function put(map, key, value) {
  return new Map(map).set(key, value);
}

function withSession(state, payload) {
  const { title, state: name, model, branch_id = state.session?.branch_id ?? null } = payload;
  const session = { ...state.session, id: payload.session_id, title, state: name, model, branch_id };
  return { ...state, session };
}

function without(set, key) {
  const rest = new Set(set);
  rest.delete(key);
  return rest;
}

function messageStands(state, payload, event) {
  const known = state.messages.get(payload.message_id);
  if (known && !isNews(known, payload)) return state;
  const message = fresh({ ...payload, seq: payload.seq ?? known?.seq ?? event?.seq });
  const shown = payload.truncated && known ? keepLonger(known, message) : message;
  const wanted = payload.truncated
    ? new Set(state.wanted).add(payload.message_id)
    : without(state.wanted, payload.message_id);
  const turn = payload.role === "assistant" ? withoutRetry(state.turn) : state.turn;
  return noticeOfUser(
    { ...state, turn, messages: put(state.messages, payload.message_id, shown), wanted },
    payload,
  );
}

/** A finished text never starts again, and an old draft never replaces a longer one. */
function isNews(known, payload) {
  if (payload.generation < known.generation) return false;
  if (known.state !== "streaming")
    return payload.state !== "streaming" && payload.generation > known.generation;
  return payload.state !== "streaming" || payload.generation > known.generation;
}

/** A cut text stands in for the whole one only until that is here; what was streamed may be longer. */
function keepLonger(known, message) {
  if (known.generation !== message.generation || known.length <= message.length) return message;
  return { ...message, content: known.content, length: known.length };
}

function noticeOfUser(state, payload) {
  if (payload.role !== "user") return state;
  const mine = state.pending.findIndex((entry) => sameText(entry, payload));
  const pending = mine < 0 ? state.pending : state.pending.toSpliced(mine, 1);
  return { ...state, pending, waiting: payload.wants_answer && state.turn === null };
}

function sameText(entry, payload) {
  return payload.truncated ? entry.content.startsWith(payload.content) : entry.content === payload.content;
}

function messageGrows(state, delta) {
  const known = state.messages.get(delta.message_id);
  const message = known && applyDelta(known, delta);
  if (message === known) return state;
  return { ...state, messages: put(state.messages, delta.message_id, message) };
}

function messageFetched(state, payload) {
  const known = state.messages.get(payload.message_id);
  const wanted = without(state.wanted, payload.message_id);
  if (!known?.truncated || payload.generation < known.generation) return { ...state, wanted };
  const message = { ...fresh(payload), seq: known.seq };
  return { ...state, messages: put(state.messages, payload.message_id, message), wanted };
}

function turnStarts(state, payload) {
  const started = { ...state, turn: { ...payload, state: "running" }, waiting: false, stopping: false };
  return messagesJoin(started, payload);
}

/** Whether a message has been sent that no turn has taken up. */
export const isWaiting = (message) =>
  message.role !== "assistant" && message.wants_answer && !message.turn_id;

function messagesJoin(state, { turn_id, up_to_seq }) {
  if (!up_to_seq) return state;
  const messages = new Map(state.messages);
  for (const [id, message] of messages) {
    if (isWaiting(message) && message.seq <= up_to_seq) messages.set(id, { ...message, turn_id });
  }
  return { ...state, messages };
}

function turnRetries(state, { turn_id, error, retry_in_seconds }) {
  if (state.turn?.turn_id !== turn_id) return state;
  return { ...state, turn: { ...state.turn, retry: { code: error.code, seconds: retry_in_seconds } } };
}

/** Whatever the agent does next, it has been answered. */
function withoutRetry(turn) {
  return turn?.retry ? { ...turn, retry: null } : turn;
}

function turnEnds(kind) {
  return (state, payload, event) => {
    const ended = state.turn === null || state.turn.turn_id === payload.turn_id;
    const answers = payload.usage ? put(state.answers, payload.turn_id, payload) : state.answers;
    const next = ended ? { ...state, answers, turn: null, waiting: false, stopping: false } : { ...state, answers };
    if (kind === "completed") return next;
    const notice = { seq: event.seq, kind, error: payload.error };
    return { ...next, notices: put(state.notices, event.seq, notice) };
  };
}

function turnWithheld(state, { error }, { seq }) {
  return { ...state, notices: put(state.notices, seq, { seq, kind: "withheld", error }) };
}

function toolStands(state, payload, event) {
  const known = state.tools.get(payload.call_id);
  const seq = known?.seq ?? payload.seq ?? event.seq;
  const tools = put(state.tools, payload.call_id, { ...known, ...payload, seq });
  return { ...state, tools, turn: withoutRetry(state.turn) };
}

function toolMoves(state, { call_id, progress, stage }) {
  const known = state.tools.get(call_id);
  if (!known || known.state !== "running") return state;
  return { ...state, tools: put(state.tools, call_id, { ...known, progress, stage }) };
}

/** Nothing else happens until the reader has decided; then the agent goes on. */
function approvalStands(state, payload) {
  const approvals = put(state.approvals, payload.approval_id, payload);
  return { ...state, approvals, turn: withoutRetry(state.turn) };
}

function markApproval(state, { approval_id, ...mark }) {
  const known = state.approvals.get(approval_id);
  if (!known) return state;
  return { ...state, approvals: put(state.approvals, approval_id, { ...known, ...mark }) };
}

function subagentStands(state, payload, event) {
  const known = state.subagents.get(payload.subagent_id);
  if (known && payload.attempt < known.attempt) return state;
  // What began in another branch goes on there.
  if (!known && state.session?.branch_id && payload.seq !== event.seq) return state;
  const subagent = { ...payload, seq: known?.seq ?? payload.seq ?? event.seq };
  return { ...state, subagents: put(state.subagents, payload.subagent_id, subagent) };
}

function subagentMoves(state, payload) {
  const known = state.subagents.get(payload.subagent_id);
  if (!known || !isUnfinished(known) || (payload.attempt ?? known.attempt) !== known.attempt) return state;
  const { progress, stage, estimated_seconds_left } = payload;
  const queue_position = payload.queue_position ?? known.queue_position;
  const estimated_wait_seconds = payload.estimated_wait_seconds ?? known.estimated_wait_seconds;
  const moved = { ...known, progress, stage, estimated_seconds_left, queue_position, estimated_wait_seconds };
  return { ...state, subagents: put(state.subagents, payload.subagent_id, moved) };
}

function exportStands(state, payload) {
  return { ...state, exports: put(state.exports, payload.subagent_id, payload) };
}

function markSubagent(state, { subagent_id, ...marks }) {
  const known = state.subagents.get(subagent_id);
  return known ? { ...state, subagents: put(state.subagents, subagent_id, { ...known, ...marks }) } : state;
}

function sendFailed(state, { key, error }) {
  const pending = state.pending.map((entry) => (entry.key === key ? { ...entry, error } : entry));
  return { ...state, pending };
}

function sendEnded(state, { key }) {
  return { ...state, pending: state.pending.filter((entry) => entry.key !== key) };
}

const STEPS = {
  "session.started": withSession,
  "session.updated": withSession,
  "session.archived": withSession,
  "session.restored": withSession,
  "session.stopped": withSession,
  "message.added": messageStands,
  "message.completed": messageStands,
  "message.joined": messagesJoin,
  "message.delta": messageGrows,
  "turn.started": turnStarts,
  "turn.retrying": turnRetries,
  "turn.completed": turnEnds("completed"),
  "turn.failed": turnEnds("failed"),
  "turn.cancelled": turnEnds("cancelled"),
  "turn.withheld": turnWithheld,
  "tool.started": toolStands,
  "tool.progress": toolMoves,
  "tool.completed": toolStands,
  "tool.failed": toolStands,
  "approval.requested": approvalStands,
  "approval.resolved": approvalStands,
  "subagent.queued": subagentStands,
  "subagent.started": subagentStands,
  "subagent.completed": subagentStands,
  "subagent.failed": subagentStands,
  "subagent.cancelled": subagentStands,
  "subagent.progress": subagentMoves,
  "export.started": exportStands,
  "export.completed": exportStands,
  "export.failed": exportStands,
  "export.progress": subagentMoves,
  "page.fetched": messageFetched,
  "page.unfetched": (state, { message_id }) => ({ ...state, wanted: without(state.wanted, message_id) }),
  "page.sending": (state, entry) => ({ ...state, pending: [...state.pending, entry] }),
  "page.send_failed": sendFailed,
  "page.send_ended": sendEnded,
  "page.stopping": (state, { stopping }) => ({ ...state, stopping }),
  "page.subagent": markSubagent,
  "page.approval": markApproval,
};
