/** Rename in place: a field where the title stood. Enter keeps, Escape gives up, leaving keeps. */

import { h } from "./dom.js";

const TITLE_MAX_CHARACTERS = 200;

/** Put a field in the place of `element`; `keep(title)` is called when the title changed. */
export function editTitle(element, title, keep) {
  const field = h("input", {
    class: "title-field",
    type: "text",
    maxlength: TITLE_MAX_CHARACTERS,
    "aria-label": "Title of this chat",
    "data-testid": "title-field",
  });
  let over = false;
  const end = (kept) => {
    if (over) return;
    over = true;
    const text = field.value.trim();
    field.replaceWith(element);
    if (kept && text && text !== title) keep(text);
  };
  field.value = title;
  field.addEventListener("blur", () => end(true));
  field.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.isComposing || !["Enter", "Escape"].includes(event.key)) return;
    event.preventDefault();
    end(event.key === "Enter");
    element.focus();
  });
  element.replaceWith(field);
  field.focus();
  field.select();
}
