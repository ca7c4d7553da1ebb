/** Tells a screen reader what ended: answers, subagents, exports; not every word on the way. */

import { badgeText } from "./subagent_card.js";

const QUOTE_CHARACTERS = 200;
const SPOKEN_STATES = new Set(["queued", "running", "succeeded", "failed", "cancelled"]);

/** Return the sentences that tell the way from one state of a chat to the next. */
export function sentences(before, after) {
  return [...finishedAnswers(before, after), ...changedAgents(before, after), ...newRequests(before, after), ...endedTurns(before, after)];
}

function finishedAnswers(before, after) {
  const ended = [...after.messages.values()].filter((message) => {
    const known = before.messages.get(message.message_id);
    return (
      message !== known && message.role === "assistant" && message.state !== "streaming" && !isOver(known)
    );
  });
  return ended.map((message) => `Answer: ${message.content.slice(0, QUOTE_CHARACTERS)}`);
}

function isOver(message) {
  return message !== undefined && message.state !== "streaming";
}

function changedAgents(before, after) {
  const changed = [...after.subagents.values()].filter((subagent) => {
    const known = before.subagents.get(subagent.subagent_id);
    return subagent !== known && subagent.state !== known?.state && SPOKEN_STATES.has(subagent.state);
  });
  return changed.map((subagent) => `${subagent.title || subagent.tool_name}: ${badgeText(subagent)}`);
}

function newRequests(before, after) {
  const asked = [...after.approvals].filter(([id]) => !before.approvals.has(id)).map(([, item]) => item);
  return asked.map(({ title, tool_name }) => `${title || tool_name} waits for your approval`);
}

function endedTurns(before, after) {
  const ended = [...after.notices].filter(([id]) => !before.notices.has(id)).map(([, notice]) => notice);
  return ended.map(({ kind, error }) =>
    kind === "failed" ? `The answer failed. ${error?.message ?? ""}` : "Stopped.",
  );
}

export class Announcer {
  #region;
  #last = null;
  #id = null;

  /** `region` is an element with aria-live. */
  constructor(region) {
    this.#region = region;
  }

  /** Take in the state of session `id`; the first one of each session is read by the reader, not told. */
  take(id, state) {
    const spoken = this.#id === id && this.#last ? sentences(this.#last, state) : [];
    this.#id = id;
    this.#last = state.session ? state : null;
    if (spoken.length) this.say(spoken.join(". "));
  }

  /** Say a sentence. */
  say(text) {
    this.#region.textContent = text;
  }
}
