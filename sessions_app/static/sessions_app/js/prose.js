/** Server-rendered Markdown in the page: links open beside it, code can be copied, tables scroll. */

import { copyButton } from "./copying.js";
import { h, setServerHtml } from "./dom.js";
import { showFileLinks } from "./file_chip.js";

/** Show sanitised server HTML in `element`. */
export function showProse(element, html) {
  setServerHtml(element, html);
  element.querySelectorAll("a[href]").forEach((link) => {
    link.target = "_blank";
    link.rel = "noopener noreferrer nofollow";
  });
  showFileLinks(element);
  element.querySelectorAll("table").forEach(makeScrollable);
  element.querySelectorAll("pre").forEach(frameCode);
}

function makeScrollable(table) {
  const frame = h("div", { class: "table-frame", tabindex: "0", role: "region", "aria-label": "Table" });
  table.replaceWith(frame);
  frame.append(table);
}

function frameCode(pre) {
  const language = [...(pre.querySelector("code")?.classList ?? [])].find((name) =>
    name.startsWith("language-"),
  );
  const head = h(
    "div",
    { class: "code-head" },
    h("span", {}, language ? language.slice("language-".length) : "text"),
    copyButton("Copy code", () => pre.textContent),
  );
  const frame = h("div", { class: "code-frame" }, head);
  pre.tabIndex = 0;
  pre.replaceWith(frame);
  frame.append(pre);
}
