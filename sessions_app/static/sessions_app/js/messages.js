/** The views of messages: the reader's own, the agent's, and those still on their way. */

import { bubbleView } from "./bubble.js";
import { copyButton } from "./copying.js";
import { draftView } from "./draft_view.js";
import { h, icon, setAttribute, setText, show } from "./dom.js";
import { showProse } from "./prose.js";
import { rewording } from "./rewording.js";
import { versionSwitch } from "./versions.js";
import { answerDetails, answerWords } from "./usage_words.js";

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const LONG_TEXT_CHARACTERS = 1500;

function actionButton(name, label, onClick) {
  const attributes = { type: "button", class: "button ghost small", title: label, "aria-label": label };
  return h(
    "button",
    { ...attributes, "data-testid": `message-${name}`, hidden: true, on: { click: onClick } },
    icon(name),
  );
}

function timeOf(stamp) {
  const moment = new Date(stamp);
  return h("time", { datetime: stamp, title: moment.toLocaleString() }, CLOCK.format(moment));
}

/** Return the view of a message of the reader: plain text, exactly as it was typed; it can be edited. */
export function userMessage({ item }, { onReword, onSwitch }) {
  let text = item.content;
  const versions = versionSwitch("this message", onSwitch);
  const editor = rewording({
    onReword: (content, key) => onReword(item.message_id, content, key),
    onShut: () => {
      node.classList.remove("editing");
      edit.focus();
    },
  });
  const edit = actionButton("edit", "Edit", () => {
    node.classList.add("editing");
    editor.open(text);
  });
  const said = bubbleView();
  const bubble = said.node;
  const more = foldButton(bubble);
  const waits = h(
    "p",
    { class: "message-note", "data-testid": "message-waits", hidden: true },
    icon("clock"),
    "The agent reads this at its next step.",
  );
  const foot = h(
    "div",
    { class: "message-foot" },
    timeOf(item.created_at),
    edit,
    copyButton("Copy message", () => text),
    versions.node,
  );
  const node = h(
    "article",
    {
      class: "message user",
      "data-testid": "message-user",
      "data-message-id": item.message_id,
      "aria-label": "You",
    },
    bubble,
    more,
    said.files,
    editor.node,
    waits,
    foot,
  );
  return {
    node,
    update(entry) {
      text = entry.item.content;
      show(waits, Boolean(entry.waits));
      show(edit, Boolean(entry.changes));
      show(versions.node, Boolean(entry.fork));
      foot.classList.toggle("always", Boolean(entry.fork));
      if (entry.fork) versions.update(entry.fork, entry.changes);
      said.update(text);
      show(more, text.length > LONG_TEXT_CHARACTERS);
      bubble.classList.toggle("foldable", text.length > LONG_TEXT_CHARACTERS);
    },
  };
}

function foldButton(bubble) {
  const toggle = () => {
    const open = bubble.classList.toggle("open");
    setText(button, open ? "Show less" : "Show more");
    button.setAttribute("aria-expanded", open);
  };
  const button = h(
    "button",
    { type: "button", class: "link-button", hidden: true, "aria-expanded": "false", on: { click: toggle } },
    "Show more",
  );
  return button;
}

/** Return the view of an answer: growing text first, then the server's HTML. */
export function assistantMessage({ item }, { onRegenerate }) {
  let message = item;
  let html = null;
  const draft = draftView();
  const prose = h("div", { class: "prose", dir: "auto" });
  const regenerate = actionButton("retry", "Answer again", () => onRegenerate(item.message_id));
  const note = h("p", { class: "message-note" }, icon("alert"), "This answer was interrupted.");
  const took = h("span", { class: "message-took", "data-testid": "message-took", hidden: true });
  const foot = h(
    "div",
    { class: "message-foot" },
    took,
    timeOf(item.created_at),
    regenerate,
    copyButton("Copy message", () => message.content),
  );
  const node = h(
    "article",
    {
      class: "message assistant",
      "data-testid": "message-assistant",
      "data-message-id": item.message_id,
      "aria-label": "Agent",
    },
    draft.node,
    prose,
    note,
    foot,
  );
  return {
    node,
    update(entry) {
      message = entry.item;
      const streaming = message.state === "streaming";
      node.dataset.state = message.state;
      show(prose, Boolean(message.html));
      show(draft.node, !message.html);
      draft.update(message.html ? "" : message.content);
      if (message.html && message.html !== html) showProse(prose, message.html);
      html = message.html;
      show(note, message.state === "interrupted");
      show(foot, !streaming);
      show(regenerate, Boolean(entry.changes));
      show(took, Boolean(entry.took));
      if (entry.took) {
        setText(took, answerWords(entry.took));
        setAttribute(took, "title", answerDetails(entry.took));
      }
    },
  };
}

/** Return the view of a message on its way to the server; `onRetry` and `onEdit` take its entry. */
export function pendingMessage(first, { onRetry, onEdit }) {
  let entry = first.item;
  const said = bubbleView();
  const reason = h("span", {});
  const failed = h(
    "div",
    { class: "send-failed", role: "alert" },
    h("span", { class: "send-reason" }, icon("alert"), reason),
    h(
      "button",
      {
        type: "button",
        class: "link-button",
        "data-testid": "send-retry",
        on: { click: () => onRetry(entry) },
      },
      "Send again",
    ),
    h("button", { type: "button", class: "link-button", on: { click: () => onEdit(entry) } }, "Edit"),
  );
  const foot = h("div", { class: "message-foot always" }, "Sending…");
  const node = h(
    "article",
    { class: "message user pending", "data-testid": "message-user", "aria-label": "You" },
    said.node,
    said.files,
    failed,
    foot,
  );
  return {
    node,
    update({ item }) {
      entry = item;
      said.update(item.content);
      setText(reason, item.error);
      show(failed, Boolean(item.error));
      show(foot, !item.error);
      node.dataset.state = item.error ? "failed" : "sending";
    },
  };
}

/** Return the view of an answer that never came or was stopped. */
export function turnNotice({ item }) {
  const stopped = item.kind === "cancelled";
  const failed = item.kind === "failed";
  const reason = `${failed ? "The answer failed. " : ""}${item.error?.message ?? ""}`;
  const words = stopped ? "You stopped this answer." : reason;
  const code = !failed || !item.error?.code ? null : h("code", {}, item.error.code);
  const node = h(
    "div",
    { class: "turn-notice", "data-kind": item.kind, "data-testid": "turn-notice" },
    icon(stopped ? "stop" : "alert"),
    h("span", {}, words, " ", code ?? ""),
  );
  return { node, update() {} };
}
