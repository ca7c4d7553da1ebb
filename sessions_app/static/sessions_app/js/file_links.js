/** Files in the Markdown of messages: each is a link `[name](/files/ID/)`. */

const MARKS = /[\\`*_{}[\]()#+!|<>&~]/g;
const ESCAPED = /\\([!-/:-@[-`{-~])/g;
// A name has 255 characters, each escaped or not.
const LINK = /\[((?:\\[^\n]|[^\\[\]\n]){0,510})\]\(\/files\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\/\)/g;
const ADDRESS = /^\/files\/[0-9a-f-]{36}\/$/;

/** Return where a file is downloaded. */
export const addressOf = (id) => `/files/${id}/`;

/** Whether an address is that of a file of this site. */
export const isFileAddress = (address) => ADDRESS.test(address);

function linkTo({ id, name }) {
  return `[${name.replace(MARKS, "\\$&")}](${addressOf(id)})`;
}

/** Return a message of a text and the files `{id, name}` that go with it. */
export function withFiles(text, files) {
  return [text, files.map(linkTo).join("\n")].filter(Boolean).join("\n\n");
}

/** Return the parts of a message in order: strings, and the files `{id, name}` between them. */
export function partsOf(content) {
  const parts = [];
  let start = 0;
  for (const link of content.matchAll(LINK)) {
    if (link.index > start) parts.push(content.slice(start, link.index));
    parts.push({ id: link[2], name: link[1].replace(ESCAPED, "$1") });
    start = link.index + link[0].length;
  }
  if (start < content.length) parts.push(content.slice(start));
  return parts;
}

/** Return `{text, files}`: what `withFiles` would make the message of. */
export function withoutFiles(content) {
  const lines = content.split("\n");
  const files = [];
  while (lines.length) {
    const parts = partsOf(lines.at(-1));
    if (parts.some((part) => typeof part === "string" && part.trim())) break;
    files.unshift(...parts.filter((part) => typeof part !== "string"));
    lines.pop();
  }
  return files.length ? { text: lines.join("\n"), files } : { text: content, files };
}
