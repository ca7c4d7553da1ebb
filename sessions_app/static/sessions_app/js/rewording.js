/** Editing a message in its place: it goes out as a new one, and what followed stays in the earlier branch. */

import { newKey } from "./api.js";
import { h, show } from "./dom.js";

/**
 * Return `{node, open(text), shut()}`. `onReword(text, key)` returns whether the server took it;
 * `onShut()` is told when the editor is gone.
 */
export function rewording({ onReword, onShut }) {
  let key = newKey();
  const field = h("textarea", { rows: "3", "aria-label": "Edit the message", dir: "auto" });
  field.dataset.testid = "edit-field";
  const send = h("button", { type: "submit", class: "button primary small" }, "Send");
  const cancel = h("button", { type: "button", class: "button small" }, "Cancel");
  const node = h(
    "form",
    { class: "rewording", hidden: true },
    field,
    h("div", { class: "rewording-buttons" }, cancel, send),
  );
  const grow = () => {
    field.style.height = "auto";
    field.style.height = `${field.scrollHeight}px`;
  };
  const shut = () => {
    show(node, false);
    onShut();
  };
  field.addEventListener("input", grow);
  cancel.addEventListener("click", shut);
  field.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "Escape") shut();
    else if (event.key === "Enter" && !event.shiftKey) node.requestSubmit();
    else return;
    event.preventDefault();
  });
  node.addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = field.value.trim();
    if (!text || send.disabled) return;
    send.disabled = true;
    if (await onReword(text, key)) shut();
    send.disabled = false;
  });
  return {
    node,
    shut,
    open(text) {
      key = newKey();
      field.value = text;
      show(node, true);
      grow();
      field.focus();
      field.setSelectionRange(text.length, text.length);
    },
  };
}
