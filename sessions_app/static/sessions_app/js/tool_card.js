/** The line of one fast tool call; it unfolds to arguments and result. */

import { labelled } from "./details.js";
import { h, icon, setText, show } from "./dom.js";
import { durationWords, plain } from "./words.js";

const WORDS = { running: "Running", started: "Running", failed: "Failed", cancelled: "Cancelled" };

/** Whether the call goes on. */
export function isRunning(call) {
  return !["succeeded", "completed", "failed", "cancelled"].includes(call.state);
}

/** Return the view of a tool call. */
export function toolCard({ item }) {
  const title = h("span", { class: "tool-title" });
  const name = h("code", { class: "tool-name" });
  const state = h("span", { class: "tool-state" });
  const summary = h(
    "summary",
    {},
    h(
      "span",
      { class: "tool-mark" },
      icon("tool"),
      icon("check"),
      icon("alert"),
      h("span", { class: "spinner" }),
    ),
    title,
    name,
    state,
    icon("chevron"),
  );
  const error = h("p", { class: "error-line" });
  const parts = { args: labelled("Arguments"), result: labelled("Result") };
  const body = h("div", { class: "tool-body" }, error, parts.args.node, parts.result.node);
  const node = h(
    "details",
    { class: "tool-card", "data-testid": "tool-card", "data-call-id": item.call_id },
    summary,
    body,
  );
  return {
    node,
    update({ item: call }) {
      node.dataset.state = isRunning(call) ? "running" : call.state;
      setText(title, call.title || plain(call.tool_name));
      setText(name, subjectOf(call));
      setText(state, stateText(call));
      setText(error, call.error ? `${call.error.message} (${call.error.code})` : "");
      show(error, Boolean(call.error));
      parts.args.update(call.args);
      parts.result.update(call.result);
    },
  };
}

/** Which resource was read says more than the tool's own name. */
function subjectOf({ tool_name: tool, args }) {
  return tool === "read_resource" && args?.uri ? `@${args.server}:${args.uri}` : tool;
}

function progressText({ progress, stage }) {
  const percent = progress > 0 ? `${Math.round(progress)} %` : "";
  return [WORDS.running, percent, stage].filter(Boolean).join(" · ");
}

function stateText(call) {
  if (isRunning(call)) return progressText(call);
  const took =
    call.duration_ms === undefined || call.duration_ms === null ? "" : durationWords(call.duration_ms);
  return [WORDS[call.state], took].filter(Boolean).join(" · ");
}
