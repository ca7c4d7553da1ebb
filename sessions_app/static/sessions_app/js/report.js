/** A subagent's whole report: a preview that opens to its full height. */

import { copyButton } from "./copying.js";
import { h, icon, setText, show } from "./dom.js";
import { showProse } from "./prose.js";

const PREVIEW_HEIGHT_PX = 300;

/** Return the view of a report; `update(message)` takes a message of role "subagent". */
export function reportView() {
  let message = null;
  let html = null;
  const content = h("div", { class: "prose" });
  const body = h("div", { class: "report-body" }, content);
  const words = h("span", {}, "Show whole report");
  const toggle = h(
    "button",
    { type: "button", class: "report-toggle", "data-testid": "report-toggle", "aria-expanded": "false" },
    words,
    icon("chevron"),
  );
  const loading = h("span", { class: "report-loading" }, "Loading the whole report…");
  const head = h(
    "div",
    { class: "report-head" },
    icon("report"),
    h("h4", {}, "Report"),
    loading,
    copyButton("Copy Markdown", () => message?.content ?? "", { quiet: false }),
  );
  const node = h(
    "section",
    { class: "report", "data-testid": "report", "aria-label": "Report" },
    head,
    body,
    toggle,
  );

  toggle.addEventListener("click", () => {
    const open = node.classList.toggle("open");
    setText(words, open ? "Collapse" : "Show whole report");
    toggle.setAttribute("aria-expanded", open);
    if (!open) node.scrollIntoView({ block: "nearest" });
  });
  // Whether there is more to show depends on the width, which may change.
  new ResizeObserver(() => {
    const long = content.offsetHeight > PREVIEW_HEIGHT_PX;
    show(toggle, long);
    body.classList.toggle("foldable", long);
  }).observe(content);

  return {
    node,
    update(next) {
      message = next;
      content.classList.toggle("plain", !next.html);
      if (!next.html) setText(content, next.content);
      else if (next.html !== html) showProse(content, next.html);
      html = next.html;
      show(loading, Boolean(next.truncated));
    },
  };
}
