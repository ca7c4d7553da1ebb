/** What can be written at the cursor: commands, prompts, names of tools and models, resources. */

import * as api from "./api.js";
import { formats } from "./export_formats.js";

const FRESH_MS = 20_000;
const SHOWN_MOST = 60;
const kept = new Map();

/** Return what `load` brought last, at once, and have it loaded again if that is some seconds old. */
function fresh(name, load) {
  const found = kept.get(name);
  if (found && Date.now() - found.at < FRESH_MS) return found.promise;
  const loaded = load().catch(() => found?.promise ?? null);
  const entry = { at: Date.now(), promise: found?.promise ?? loaded };
  kept.set(name, entry);
  loaded.then((value) => {
    if (value) entry.promise = loaded;
    else kept.delete(name);
  });
  return entry.promise;
}

const commands = () => fresh("commands", api.listCommands);
const tools = () => fresh("tools", api.listTools);
const models = () => fresh("models", api.listModels);
const offers = () => fresh("offers", api.listOffers);

/** Load what is wanted first. */
export function prepare() {
  commands();
  offers();
}

/**
 * Return `{from, to, word, groups}` for the text before and behind the cursor, or null where nothing is
 * completed. An entry is `{label, detail, insert}` or `{label, detail, prompt}`; `more` says that what is
 * inserted is completed further.
 */
export async function suggestions(text, caret) {
  const place = placeOf(text, caret);
  if (!place) return null;
  const groups = await GROUPS[place.kind](place);
  const found = groups
    .map(({ title, entries }) => ({ title, entries: matching(entries, place.word).slice(0, SHOWN_MOST) }))
    .filter(({ entries }) => entries.length);
  return { ...place, groups: found };
}

/** Return what is being written at the cursor. */
export function placeOf(text, caret) {
  const before = text.slice(0, caret);
  const behind = /^\S*/.exec(text.slice(caret))[0];
  const command = /^\/(\S*)$/.exec(before);
  if (command) return { kind: "command", from: 0, to: caret + behind.length, word: command[1] };
  const value = /^\/(run|model|export)[ ]+(\S*)$/.exec(before);
  if (value) return { kind: value[1], from: caret - value[2].length, to: caret + behind.length, word: value[2] };
  const resource = /(?:^|[\s([{<"'«„“‘])@(\S*)$/.exec(before);
  if (!resource) return null;
  const from = caret - resource[1].length - 1;
  return { kind: "resource", from, to: caret + behind.length, word: resource[1] };
}

/** Those that begin with the word come first, then those that have it anywhere. */
function matching(entries, word) {
  const wanted = word.toLowerCase();
  const ranked = entries.map((entry) => ({ entry, rank: rankOf(entry, wanted) }));
  return ranked
    .filter(({ rank }) => rank < 3)
    .sort((one, other) => one.rank - other.rank)
    .map(({ entry }) => entry);
}

function rankOf({ label, detail }, wanted) {
  const name = label.replace(/^[@/]/, "").toLowerCase();
  if (name.startsWith(wanted)) return 0;
  if (name.includes(wanted)) return 1;
  return wanted.length > 1 && detail.toLowerCase().includes(wanted) ? 2 : 3;
}

const GROUPS = {
  async command() {
    tools();
    models();
    const [listed, offered] = await Promise.all([commands(), offers()]);
    return [
      { title: "Commands", entries: (listed ?? []).map(commandEntry) },
      { title: "Prompts", entries: (offered?.prompts ?? []).map(promptEntry) },
    ];
  },
  async run() {
    const entries = ((await tools()) ?? []).map(({ name, description }) => valueEntry(name, description));
    return [{ title: "Tools", entries }];
  },
  async model() {
    const entries = ((await models()) ?? []).map(({ name, provider }) => valueEntry(name, provider, ""));
    return [{ title: "Models", entries }];
  },
  async export() {
    const entries = formats().map(({ name, title, purpose }) => valueEntry(name, `${title} ${purpose}`, ""));
    return [{ title: "Formats", entries }];
  },
  async resource() {
    return [{ title: "Resources", entries: ((await offers())?.resources ?? []).map(resourceEntry) }];
  },
};

function commandEntry({ name, arguments: expected, description }) {
  const usage = expected ? ` ${expected}` : "";
  const detail = description.replaceAll("`", "");
  return { label: `/${name}`, usage, detail, insert: `/${name}${expected ? " " : ""}`, more: Boolean(expected) };
}

function promptEntry(prompt) {
  const usage = prompt.arguments.map(({ name, required }) => (required ? ` ${name}` : ` [${name}]`)).join("");
  return { label: `/${prompt.server}:${prompt.name}`, usage, detail: detailOf(prompt), prompt };
}

function valueEntry(name, detail, behind = " ") {
  return { label: name, detail: firstLine(detail), insert: name + behind };
}

/** Of a template what stands before the first place to fill in is put. */
function resourceEntry(resource) {
  const address = resource.uri || resource.uri_template;
  const label = `@${resource.server}:${address}`;
  const isWhole = Boolean(resource.uri);
  const insert = isWhole ? `${label} ` : label.slice(0, label.indexOf("{") >= 0 ? label.indexOf("{") : undefined);
  return { label, detail: detailOf(resource), insert };
}

function detailOf({ title, name, description }) {
  return firstLine([title || name, description].filter(Boolean).join(" · "));
}

function firstLine(text) {
  return String(text ?? "").replace(/\s+/g, " ").trim().slice(0, 200);
}
