/** What the reader said: plain text exactly as typed, and the files that go with it as chips. */

import { h, show } from "./dom.js";
import { fileChip } from "./file_chip.js";
import { partsOf, withoutFiles } from "./file_links.js";

/** Return `{node, files, update(content)}`: the bubble of the text, and the row of files below it. */
export function bubbleView() {
  let shown = null;
  const node = h("div", { class: "bubble", dir: "auto" });
  const files = h("div", { class: "message-files", "data-testid": "message-files" });
  return {
    node,
    files,
    update(content) {
      if (content === shown) return;
      shown = content;
      const said = withoutFiles(content);
      const parts = partsOf(said.text).map((part) => (typeof part === "string" ? part : fileChip(part)));
      node.replaceChildren(...parts);
      show(node, Boolean(said.text));
      files.replaceChildren(...said.files.map(fileChip));
      show(files, said.files.length > 0);
    },
  };
}
