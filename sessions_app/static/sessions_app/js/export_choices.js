/** What the reader chooses of exports: remembered in this browser from one to the next. */

import { formatOf, formats } from "./export_formats.js";

const STORAGE_KEY = "mcpchat-export";
const LETTER_REGIONS = new Set(["US", "CA"]);
const PAPERS = ["a4", "letter"];
const THEMES = ["light", "dark"];

/** Return the choices of who has made none; `language` is a language tag such as "en-US". */
export function usualChoices(language = navigator.language) {
  const [, region = ""] = /-([A-Za-z]{2})(?:-|$)/.exec(language ?? "") ?? [];
  return {
    format: "pdf",
    include_metadata: true,
    include_tools: true,
    page_size: LETTER_REGIONS.has(region.toUpperCase()) ? "letter" : "a4",
    theme: "light",
  };
}

/** Return the last choices; what is stored may be of another version, or anything. */
export function rememberedChoices() {
  const stored = storedValue();
  const { format, include_metadata, include_tools, page_size, theme } = usualChoices();
  const truth = (name, usual) => (typeof stored[name] === "boolean" ? stored[name] : usual);
  const one = (of, name, usual) => (of.includes(stored[name]) ? stored[name] : usual);
  const names = formats().map(({ name }) => name);
  return {
    format: one(names, "format", format),
    include_metadata: truth("include_metadata", include_metadata),
    include_tools: truth("include_tools", include_tools),
    page_size: one(PAPERS, "page_size", page_size),
    theme: one(THEMES, "theme", theme),
  };
}

/** Keep choices for the next time. */
export function remember(choices) {
  try {
    localStorage.setItem(STORAGE_KEY, JSON.stringify(choices));
  } catch {
    // Without storage they hold as long as the dialog.
  }
}

/** Return the options of an export in a format: those that the format has. */
export function optionsOf(format, { include_metadata, include_tools, page_size, theme }) {
  const { hasPages, hasTheme } = formatOf(format);
  return { include_metadata, include_tools, ...(hasPages && { page_size }), ...(hasTheme && { theme }) };
}

/** Return what is unusual in choices, in words, or an empty string. */
export function unusualWords(choices) {
  const usual = usualChoices();
  return [
    !choices.include_metadata && "without metadata",
    !choices.include_tools && "without tool calls",
    choices.page_size !== usual.page_size && (choices.page_size === "a4" ? "on A4" : "on Letter"),
    choices.theme !== usual.theme && "dark",
  ]
    .filter(Boolean)
    .join(", ");
}

function storedValue() {
  try {
    return Object(JSON.parse(localStorage.getItem(STORAGE_KEY)));
  } catch {
    return {};
  }
}
