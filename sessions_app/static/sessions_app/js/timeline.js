/** The timeline: messages, tool calls, subagents and exports in the order in which they happened. */

import { approvalCard, isPending } from "./approval_card.js";
import { everySecond } from "./clock.js";
import { h, reconcile, setText, show } from "./dom.js";
import { exportCard } from "./export_card.js";
import { assistantMessage, pendingMessage, turnNotice, userMessage } from "./messages.js";
import { withForks } from "./forks.js";
import { versionRow } from "./versions.js";
import { subagentCard } from "./subagent_card.js";
import { isWaiting } from "./store.js";
import { isRunning, toolCard } from "./tool_card.js";

const EXPORT_AGENT = "export_agent";

/** Return what to show, in order; each entry has `key`, `kind`, `seq` and `item`. */
export function entriesOf(state) {
  const reports = new Map();
  const entries = [];
  const lasts = lastAnswers(state);
  for (const item of state.messages.values()) {
    const isReport = item.role === "subagent";
    if (isReport && state.subagents.has(item.subagent_id)) reports.set(item.subagent_id, item);
    else if (isReport && state.session?.branch_id) continue;
    else if (item.state !== "streaming" || item.content) entries.push(messageEntry(item, state, lasts));
  }
  for (const item of state.tools.values())
    if (!state.subagents.has(item.subagent_id))
      entries.push({ key: item.call_id, kind: "tool", seq: item.seq, item });
  for (const item of state.approvals.values())
    entries.push({ key: `approval-${item.approval_id}`, kind: "approval", seq: item.seq, item });
  for (const item of state.subagents.values()) entries.push(subagentEntry(item, reports, state.exports));
  for (const [id, item] of state.notices)
    entries.push({ key: `notice-${id}`, kind: "notice", seq: item.seq, item });
  entries.sort((one, other) => one.seq - other.seq);
  tellWhatAnswersTook(entries, state.answers);
  return [...withForks(entries, state), ...state.pending.map((item) => ({ key: item.key, kind: "pending", item }))];
}

/** Return the last message of each answer: there it is made again. */
function lastAnswers(state) {
  const lasts = new Map();
  for (const { role, turn_id, seq, message_id } of state.messages.values()) {
    const known = lasts.get(turn_id);
    if (role === "assistant" && turn_id && (!known || known.seq < seq))
      lasts.set(turn_id, { seq, message_id });
  }
  return new Set([...lasts.values()].map(({ message_id }) => message_id));
}

/** Whether the chat may be changed: it is open and no answer is under way. */
const isAtRest = (state) => !state.turn && !state.waiting && state.session?.state === "active";

/** The last text of a turn tells what the turn took. */
function tellWhatAnswersTook(entries, answers) {
  const last = new Map();
  for (const entry of entries)
    if (entry.kind === "assistant" && answers.get(entry.item.turn_id)?.usage.requests)
      last.set(entry.item.turn_id, entry);
  for (const [turn, entry] of last) entry.took = answers.get(turn);
}

function messageEntry(item, state, lasts) {
  const kind = item.role === "user" ? "user" : "assistant";
  const waits = kind === "user" && state.turn?.state === "running" && isWaiting(item);
  const changes = isAtRest(state) && (kind === "user" ? item.wants_answer : lasts.has(item.message_id));
  return { key: item.message_id, kind, seq: item.seq, item, waits, changes };
}

/** Of what has no report the card shows all there is already. */
function reportOf({ subagent_id, has_report }, reports) {
  return has_report ? reports.get(subagent_id) : undefined;
}

function subagentEntry(item, reports, exports) {
  const kind = item.agent_type === EXPORT_AGENT ? "export" : "subagent";
  const id = item.subagent_id;
  return { key: id, kind, seq: item.seq, item, report: reportOf(item, reports), exported: exports.get(id) };
}

/** Return what the agent is at while nothing grows on the page, or an empty string. */
export function activityText(state) {
  if (state.stopping) return "Stopping…";
  if ([...state.messages.values()].some((item) => item.state === "streaming" && item.content)) return "";
  if (!state.turn) return state.waiting ? "Waiting for the agent…" : "";
  if ([...state.approvals.values()].some(isPending)) return "";
  if (state.turn.state === "queued") return "Waiting for the agent…";
  if ([...state.tools.values()].some((call) => isRunning(call))) return "Working…";
  if (state.turn.retry) return retryWords(state.turn.retry);
  return state.turn.attempt > 1 ? "Taking the answer up again…" : "Thinking…";
}

const WHY_AGAIN = {
  model_rate_limited: "The model is busy.",
  model_unreachable: "The model cannot be reached.",
};

function retryWords({ code, seconds }) {
  const why = WHY_AGAIN[code] ?? "The model’s provider has trouble.";
  return `${why} Asking again in ${Math.max(1, Math.round(seconds))} s…`;
}

export class Timeline {
  #list;
  #activity;
  #views = new Map();
  #actions;

  /**
   * `actions`: `onCancel(id)`, `onRetry(id)` of subagents, `onAgain(wish)` of exports, `onDecide(id, decision)` of approvals,
   * `onResend(entry)`, `onEdit(entry)` of messages on
   * their way, `onReword(id, content, key)`, `onRegenerate(id)` of those that are there, `onSwitch(branchId)`.
   */
  constructor(container, actions) {
    this.#actions = actions;
    this.#list = h("div", { class: "timeline-items" });
    this.#activity = h(
      "div",
      { class: "activity", "data-testid": "activity", hidden: true },
      h("span", { class: "dots", "aria-hidden": "true" }, h("i"), h("i"), h("i")),
      h("span", { class: "activity-words" }),
    );
    container.append(this.#list, this.#activity);
    everySecond(() => this.#views.forEach((view) => view.tick?.()));
  }

  /** Show the state. */
  render(state) {
    reconcile(this.#list, this.#views, entriesOf(state), (entry) => unlessSame(this.#makeView(entry)));
    const words = activityText(state);
    show(this.#activity, Boolean(words));
    setText(this.#activity.querySelector(".activity-words"), words);
  }

  #makeView(entry) {
    const subagent = { onCancel: this.#actions.onCancel, onRetry: this.#actions.onRetry };
    if (entry.kind === "user") return userMessage(entry, this.#actions);
    if (entry.kind === "assistant") return assistantMessage(entry, this.#actions);
    if (entry.kind === "fork") return versionRow(entry, this.#actions);
    if (entry.kind === "tool") return toolCard(entry);
    if (entry.kind === "approval") return approvalCard(entry, { onDecide: this.#actions.onDecide });
    if (entry.kind === "subagent") return subagentCard(entry, subagent);
    if (entry.kind === "export") return exportCard(entry, { ...subagent, onAgain: this.#actions.onAgain });
    if (entry.kind === "notice") return turnNotice(entry);
    return pendingMessage(entry, { onRetry: this.#actions.onResend, onEdit: this.#actions.onEdit });
  }
}

/** Leave a view alone while what it shows is the same. */
function unlessSame(view) {
  let last = {};
  return {
    ...view,
    update(entry) {
      const same =
        entry.item === last.item &&
        entry.report === last.report &&
        entry.exported === last.exported &&
        entry.waits === last.waits &&
        entry.changes === last.changes &&
        entry.fork === last.fork &&
        entry.took === last.took;
      last = entry;
      if (!same) view.update(entry);
    },
  };
}
