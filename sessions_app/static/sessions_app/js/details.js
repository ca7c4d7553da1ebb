/** Arguments and results behind a fold, as readable JSON. */

import { h, setText, show } from "./dom.js";

/** Return a value as text: strings as they are, all else as indented JSON. */
export function valueText(value) {
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

/** Whether there is nothing in a value worth a fold. */
export function isBlank(value) {
  if (value === null || value === undefined || value === "") return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

/** Return a fold named `label`; `update(value)` hides it when there is nothing in it. */
export function fold(label) {
  const text = h("pre", { class: "value", tabindex: "0" });
  const node = h("details", { class: "fold" }, h("summary", {}, label), text);
  return {
    node,
    update(value) {
      show(node, !isBlank(value));
      if (!isBlank(value)) setText(text, valueText(value));
    },
  };
}

/** Return a labelled value for inside an open card. */
export function labelled(label) {
  const text = h("pre", { class: "value", tabindex: "0" });
  const node = h("div", { class: "labelled" }, h("h4", {}, label), text);
  return {
    node,
    update(value) {
      show(node, !isBlank(value));
      if (!isBlank(value)) setText(text, valueText(value));
    },
  };
}
