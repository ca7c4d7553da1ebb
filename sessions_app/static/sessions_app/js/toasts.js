/** Short messages at the edge of the page, with at most one thing to do. */

import { h } from "./dom.js";

const SHOWN_FOR_MS = 7000;
const MOST = 3;

/** Show `text`; `action` is `{label, run}`; `tone` is "info" or "error". */
export function toast(text, { action = null, tone = "info" } = {}) {
  const container = document.getElementById("toasts");
  const close = () => node.remove();
  const node = h("div", { class: "toast", "data-tone": tone, "data-testid": "toast" }, h("span", {}, text));
  const button = (label, run) =>
    h("button", { type: "button", class: "link-button", on: { click: () => (close(), run()) } }, label);
  node.append(action ? button(action.label, action.run) : button("Dismiss", () => {}));
  container.append(node);
  while (container.children.length > MOST) container.firstElementChild.remove();
  setTimeout(() => node.matches(":hover, :focus-within") || close(), SHOWN_FOR_MS);
}

/** Tell a problem: with the way to log in when that is what is missing. */
export function tellProblem(problem) {
  if (problem.needsLogin) document.getElementById("login-needed").hidden = false;
  else toast(problem.message, { tone: "error" });
}
