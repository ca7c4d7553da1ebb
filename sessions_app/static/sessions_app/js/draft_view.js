/**
 * Growing text: shown as it was written, with code between fences in a code box, so that little moves when
 * the finished text takes its place.
 */

import { h, reconcile, setText } from "./dom.js";

const FENCE = /^ {0,3}(`{3,}|~{3,})([^\n`]*)(?:\n|$)/gm;

/** Return the parts of unfinished Markdown: `{key, kind, text, language}` with kinds "text" and "code". */
export function partsOf(content) {
  const parts = [];
  let start = 0;
  let open = null;
  const add = (kind, text, language) => parts.push({ key: `${parts.length}-${kind}`, kind, text, language });
  for (const fence of content.matchAll(FENCE)) {
    if (open && !closes(open, fence)) continue;
    const text = content.slice(start, fence.index);
    if (open) add("code", text, open[2].trim());
    else if (text.trim()) add("text", text.trim());
    open = open ? null : fence;
    start = fence.index + fence[0].length;
  }
  const rest = content.slice(start);
  if (open) add("code", rest, open[2].trim());
  else if (rest.trim()) add("text", rest.trim());
  return parts;
}

function closes(open, fence) {
  return fence[1][0] === open[1][0] && fence[1].length >= open[1].length && !fence[2].trim();
}

/** Return the view of a draft; `update(content)` keeps the parts that stay. */
export function draftView() {
  const views = new Map();
  const node = h("div", { class: "prose draft", dir: "auto" });
  return {
    node,
    update: (content) => reconcile(node, views, partsOf(content), makePart),
  };
}

function makePart({ kind }) {
  if (kind === "text") {
    const node = h("div", { class: "plain" });
    return { node, update: (part) => setText(node, part.text) };
  }
  const language = h("span", {});
  const code = h("pre", { tabindex: "0" });
  return {
    node: h("div", { class: "code-frame" }, h("div", { class: "code-head" }, language), code),
    update(part) {
      setText(language, part.language || "text");
      setText(code, part.text.trimEnd());
    },
  };
}
