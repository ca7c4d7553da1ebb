/** The card of a subagent: what it does, how far it is, how it ended, and what one can do about it. */

import { fold } from "./details.js";
import { h, icon, keepFocus, setAttribute, setServerHtml, setText, show } from "./dom.js";
import { showFileLinks } from "./file_chip.js";
import { fileRows } from "./file_rows.js";
import { progressView } from "./progress.js";
import { reportView } from "./report.js";
import { isUnfinished } from "./store.js";
import { attemptWords, durationWords, plain, stateWord, waitWords } from "./words.js";

/** Return the words of a subagent's badge. */
export function badgeText(subagent) {
  if (isUnfinished(subagent) && isCancelling(subagent)) return "Cancelling…";
  if (subagent.state === "queued" && subagent.queue_position)
    return `Queued · position ${subagent.queue_position}`;
  return stateWord(subagent.state);
}

/** Whether somebody asked it to end. */
export function isCancelling(subagent) {
  return Boolean(subagent.cancelling || subagent.cancel_requested);
}

/** Return a button of a card; while it is `aria-disabled` it does nothing and keeps the focus. */
export function busyButton(testid, run, ...content) {
  const click = ({ currentTarget }) => currentTarget.getAttribute("aria-disabled") || run();
  const attributes = { type: "button", class: "button small", "data-testid": testid, on: { click } };
  return h("button", attributes, ...content);
}

/** Return the two buttons of a card; `update(subagent)` shows the one that fits. */
export function actionButtons(id, { onCancel, onRetry }) {
  const cancel = busyButton("subagent-cancel", () => onCancel(id), "Cancel");
  const retry = busyButton("subagent-retry", () => onRetry(id), icon("retry"), h("span", {}, "Retry"));
  return {
    nodes: [cancel, retry],
    update(subagent) {
      show(cancel, isUnfinished(subagent));
      setAttribute(cancel, "aria-disabled", isCancelling(subagent) && "true");
      setText(cancel, isCancelling(subagent) ? "Cancelling…" : "Cancel");
      show(retry, ["failed", "cancelled"].includes(subagent.state));
      setAttribute(retry, "aria-disabled", subagent.retrying && "true");
    },
  };
}

/** Return the line that says why something failed. */
export function errorLine() {
  const message = h("span", {});
  const code = h("code", {});
  const node = h(
    "p",
    { class: "error-line", "data-testid": "error" },
    icon("alert"),
    h("span", {}, message, " ", code),
  );
  return {
    node,
    update(error) {
      show(node, Boolean(error));
      setText(message, error?.message);
      setText(code, error?.code);
      show(code, Boolean(error?.code));
    },
  };
}

function attemptText({ attempt }) {
  if (!(attempt > 1)) return "";
  return `${attemptWords(attempt)}: its worker was lost`;
}

/** Return when a queued subagent starts, as far as that is known. */
export function waitText({ state, estimated_wait_seconds }) {
  return state === "queued" && estimated_wait_seconds > 0 ? waitWords(estimated_wait_seconds) : "";
}

function tookText(subagent) {
  if (isUnfinished(subagent) || !Number.isFinite(subagent.duration_ms)) return "";
  return durationWords(subagent.duration_ms);
}

/** Return the view of a subagent. */
export function subagentCard({ item }, actions) {
  const title = h("h3", { class: "agent-title" });
  const facts = h("p", { class: "agent-facts" });
  const badge = h("span", { class: "badge", "data-testid": "subagent-state" });
  const progress = progressView();
  const error = errorLine();
  const summary = h("div", { class: "agent-summary prose", "data-testid": "subagent-summary", dir: "auto" });
  const partial = h("p", { class: "agent-partial" }, "Partial result: what there was when it ended.");
  const folds = { args: fold("Arguments"), result: fold("Result") };
  const buttons = actionButtons(item.subagent_id, actions);
  const files = fileRows(item.subagent_id);
  const report = reportView();
  const node = h(
    "article",
    { class: "agent-card", "data-testid": "subagent-card", "data-subagent-id": item.subagent_id },
    h(
      "header",
      { class: "agent-head" },
      h("span", { class: "agent-mark" }, icon("agent")),
      h("div", { class: "agent-names" }, title, facts),
      badge,
      h("div", { class: "agent-actions" }, ...buttons.nodes),
    ),
    progress.node,
    error.node,
    partial,
    summary,
    files.node,
    report.node,
    h("div", { class: "folds" }, folds.args.node, folds.result.node),
  );

  return {
    node,
    tick: progress.tick,
    update({ item: subagent, report: message }) {
      node.dataset.state = subagent.state;
      node.dataset.cancelling = isUnfinished(subagent) && isCancelling(subagent);
      setText(title, subagent.title || plain(subagent.tool_name));
      setText(
        facts,
        [subagent.tool_name, waitText(subagent), attemptText(subagent), tookText(subagent)]
          .filter(Boolean)
          .join(" · "),
      );
      setText(badge, badgeText(subagent));
      show(progress.node, subagent.state === "running");
      progress.update(subagent);
      error.update(subagent.state === "failed" ? subagent.error : null);
      show(partial, Boolean(subagent.result?.partial) && !isUnfinished(subagent));
      setServerHtml(summary, subagent.summary_html ?? "");
      showFileLinks(summary);
      show(summary, Boolean(subagent.summary_html) && !isUnfinished(subagent));
      folds.args.update(subagent.args);
      folds.result.update(subagent.result);
      files.update(subagent);
      show(report.node, Boolean(message));
      if (message) report.update(message);
      keepFocus(buttons.nodes, () => buttons.update(subagent));
    },
  };
}
