/** Editing a message in its place: it goes out as a new one, and what followed stays in the earlier branch. */

import { newKey } from "./api.js";
import { h, icon, show } from "./dom.js";
import { fileChip } from "./file_chip.js";
import { withFiles, withoutFiles } from "./file_links.js";

/**
 * Return `{node, open(text), shut()}`. `onReword(text, key)` returns whether the server took it;
 * `onShut()` is told when the editor is gone.
 */
export function rewording({ onReword, onShut }) {
  let key = newKey();
  let files = [];
  const field = h("textarea", { rows: "3", "aria-label": "Edit the message", dir: "auto" });
  field.dataset.testid = "edit-field";
  const send = h("button", { type: "submit", class: "button primary small" }, "Send");
  const cancel = h("button", { type: "button", class: "button small" }, "Cancel");
  const kept = h("div", { class: "message-files" });
  const node = h(
    "form",
    { class: "rewording", hidden: true },
    field,
    kept,
    h("div", { class: "rewording-buttons" }, cancel, send),
  );
  const grow = () => {
    field.style.height = "auto";
    field.style.height = `${field.scrollHeight}px`;
  };
  const keep = (those) => {
    files = those;
    kept.replaceChildren(...files.map((file) => h("span", { class: "kept-file" }, fileChip(file), leave(file))));
    show(kept, files.length > 0);
  };
  const leave = (file) => {
    const label = `Leave out ${file.name}`;
    const attributes = { type: "button", class: "icon-button", title: label, "aria-label": label };
    const without = () => (keep(files.filter((one) => one !== file)), field.focus());
    return h("button", { ...attributes, on: { click: without } }, icon("close"));
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
    const text = withFiles(field.value.trim(), files);
    if (!text || send.disabled) return;
    send.disabled = true;
    if (await onReword(text, key)) shut();
    send.disabled = false;
  });
  return {
    node,
    shut,
    open(content) {
      const said = withoutFiles(content);
      key = newKey();
      field.value = said.text;
      keep(said.files);
      show(node, true);
      grow();
      field.focus();
      field.setSelectionRange(said.text.length, said.text.length);
    },
  };
}
