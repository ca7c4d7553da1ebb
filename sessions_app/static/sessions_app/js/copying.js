/** Copy buttons: they say for a moment that it worked. */

import { h, icon, setText } from "./dom.js";

const SAID_FOR_MS = 1600;

/** Return a button that copies what `read()` returns; `label` names it for everyone. */
export function copyButton(label, read, { quiet = true } = {}) {
  const words = h("span", { class: quiet ? "visually-hidden" : "" }, label);
  const button = h(
    "button",
    { type: "button", class: "button ghost small copy", title: label },
    icon("copy"),
    words,
  );
  button.addEventListener("click", async () => {
    const copied = await copy(read());
    button.dataset.copied = copied ? "yes" : "no";
    setText(words, copied ? "Copied" : "Copying was refused");
    setTimeout(() => {
      delete button.dataset.copied;
      setText(words, label);
    }, SAID_FOR_MS);
  });
  return button;
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

/** The clipboard interface is missing on plain http. */
function copyBySelection(text) {
  const area = h("textarea", { class: "visually-hidden", readonly: true });
  area.value = text;
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  return copied;
}
