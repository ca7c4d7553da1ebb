/** The card of a call that waits for the reader's word: what is to be done, with what, and the choices. */

import { labelled } from "./details.js";
import { h, icon, setText, show } from "./dom.js";
import { plain } from "./words.js";

const DECIDED = {
  allowed: { once: "Allowed once", session: "Allowed in this chat", always: "Always allowed" },
  refused: "Not allowed",
  dropped: "Not decided: the answer ended",
};

/** Whether the call waits for a word. */
export const isPending = (asked) => asked.state === "pending";

/** Return the view of a call that was asked for; `onDecide(id, decision)` sends the reader's word. */
export function approvalCard({ item }, { onDecide }) {
  const outcome = h("span", { class: "approval-outcome", "data-testid": "approval-outcome" });
  const args = labelled("Arguments");
  const reason = h("p", { class: "approval-reason" });
  const form = decisionForm(item, onDecide, () => show(args.node, false));
  const node = h(
    "article",
    {
      class: "approval-card",
      "data-testid": "approval-card",
      "data-approval-id": item.approval_id,
      "aria-label": `Approval of ${item.tool_name}`,
    },
    h(
      "header",
      { class: "approval-head" },
      icon("shield"),
      h("span", {}, h("strong", {}, item.title || plain(item.tool_name)), " ", h("code", {}, item.tool_name)),
      outcome,
    ),
    args.node,
    reason,
    form.node,
  );
  return {
    node,
    update({ item: asked }) {
      node.dataset.state = asked.state;
      setText(outcome, outcomeText(asked));
      args.update(asked.args);
      setText(reason, asked.reason ? `“${asked.reason}”` : "");
      show(reason, Boolean(asked.reason));
      form.update(asked);
    },
  };
}

function outcomeText({ state, scope, edited }) {
  if (state === "pending") return "Waits for you";
  const words = state === "allowed" ? DECIDED.allowed[scope] : DECIDED[state];
  return edited ? `${words}, with changed arguments` : words;
}

function decisionForm(item, onDecide, onEdit) {
  const decide = (decision) => onDecide(item.approval_id, decision);
  const editor = argumentsEditor(item);
  const refusal = refusalField(decide);
  const allow = (scope) => {
    const changed = editor.value();
    if (changed !== undefined) decide({ allow: true, scope, ...(changed && { args: changed }) });
  };
  const button = (words, name, act, tone = "") =>
    h(
      "button",
      { type: "button", class: `button small ${tone}`, "data-testid": `approval-${name}`, on: { click: act } },
      words,
    );
  const openEditor = () => {
    onEdit();
    editor.open();
  };
  const buttons = h(
    "div",
    { class: "approval-buttons" },
    button("Allow once", "once", () => allow("once"), "primary"),
    button("Allow in this chat", "session", () => allow("session")),
    button("Always allow", "always", () => allow("always")),
    button("Refuse…", "refuse", () => refusal.open()),
    item.args?.truncated === true ? null : button("Edit arguments", "edit", openEditor, "ghost"),
  );
  const node = h("div", { class: "approval-form" }, editor.node, buttons, refusal.node);
  return {
    node,
    update(asked) {
      show(node, isPending(asked));
      node.inert = Boolean(asked.deciding);
    },
  };
}

/** `value()` is null for the model's own arguments, undefined while what is typed is not a JSON object. */
function argumentsEditor(item) {
  const field = h("textarea", {
    class: "approval-args",
    rows: "6",
    spellcheck: "false",
    "aria-label": "Arguments as JSON",
    "data-testid": "approval-args",
  });
  const flaw = h("p", { class: "error-line", role: "alert", hidden: true });
  const node = h("div", { hidden: true }, field, flaw);
  return {
    node,
    open() {
      if (node.hidden) field.value = JSON.stringify(item.args, null, 2);
      show(node, true);
      field.focus();
    },
    value() {
      const [value, message] = node.hidden ? [null, ""] : parsed(field.value);
      setText(flaw, message);
      show(flaw, Boolean(message));
      return value;
    },
  };
}

function parsed(text) {
  try {
    const value = JSON.parse(text);
    if (value && typeof value === "object" && !Array.isArray(value)) return [value, ""];
    return [undefined, "The arguments must be a JSON object."];
  } catch (error) {
    return [undefined, `This is not JSON: ${error.message}`];
  }
}

function refusalField(decide) {
  const field = h("input", {
    type: "text",
    maxlength: "1000",
    placeholder: "Why not? The agent is told (optional)",
    "aria-label": "Reason",
    "data-testid": "approval-reason",
  });
  const send = h(
    "button",
    { type: "submit", class: "button small danger", "data-testid": "approval-refuse-send" },
    "Refuse",
  );
  const node = h(
    "form",
    {
      class: "approval-refusal",
      hidden: true,
      on: {
        submit: (event) => {
          event.preventDefault();
          decide({ allow: false, reason: field.value });
        },
      },
    },
    field,
    send,
  );
  return {
    node,
    open() {
      show(node, true);
      field.focus();
    },
  };
}
