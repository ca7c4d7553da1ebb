/** Files as links that download: chips in messages, and what a click on one does. */

import { whyNoFile } from "./api.js";
import { h, icon } from "./dom.js";
import { kindIcon } from "./file_kinds.js";
import { addressOf, isFileAddress } from "./file_links.js";
import { tellProblem } from "./toasts.js";

/** Return the chip of a file `{id, name}`. */
export function fileChip({ id, name }) {
  const link = h("a", { href: addressOf(id) }, name);
  makeChip(link);
  return link;
}

/** Make chips of the links to files in an element. */
export function showFileLinks(element) {
  element.querySelectorAll("a[href]").forEach((link) => {
    if (isFileAddress(link.getAttribute("href"))) makeChip(link);
  });
}

function makeChip(link) {
  const name = link.textContent.trim() || "file";
  link.className = "file-chip";
  link.dataset.testid = "file-chip";
  link.title = `Download ${name}`;
  link.replaceChildren(icon(kindIcon(name)), h("span", { class: "file-name", dir: "auto" }, name));
  downloads(link);
}

/** Make a link download its file, or say in words why it does not. */
export function downloads(link) {
  link.removeAttribute("target");
  link.setAttribute("download", "");
  link.addEventListener("click", async (event) => {
    // Without asking first, the browser would save or report a refusal in its own words.
    event.preventDefault();
    const address = link.getAttribute("href");
    const problem = await whyNoFile(address);
    if (problem) tellProblem(problem);
    else h("a", { href: address, download: "" }).click();
  });
}
