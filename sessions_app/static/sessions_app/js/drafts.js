/**
 * Text in flight: how deltas extend a message.
 *
 * The server counts characters as code points, JavaScript strings count UTF-16 units: `length` keeps the
 * server's count, so that an emoji does not shift everything behind it.
 */

const WAITING_MAX = 2000;

/** Return the number of code points in `text`. */
export function characters(text) {
  let number = 0;
  for (const _ of text) number += 1;
  return number;
}

/** Return the message as this page keeps it. */
export function fresh(payload) {
  return { ...payload, length: characters(payload.content), waiting: [], gap: false };
}

/** Return the message with the delta applied; `gap` says that text before it is missing. */
export function applyDelta(message, delta) {
  if (message.state !== "streaming" || delta.generation < message.generation) return message;
  const current = delta.generation > message.generation ? restarted(message, delta.generation) : message;
  if (delta.offset > current.length) return waitFor(current, delta);
  return caughtUp(extended(current, delta));
}

/** Return the message with a copy fetched from the server taken in, and what had to wait behind it. */
export function applyFetched(message, payload) {
  if (payload.generation < message.generation) return message;
  if (message.state !== "streaming") return payload.state === "streaming" ? message : fresh(payload);
  const newer = payload.generation > message.generation || payload.state !== "streaming";
  const copy = fresh(payload);
  const base = newer || copy.length > message.length ? copy : { ...message, gap: false };
  return caughtUp({ ...base, waiting: message.waiting });
}

function restarted(message, generation) {
  return { ...message, generation, content: "", html: "", length: 0, waiting: [], gap: false };
}

function waitFor(message, delta) {
  return { ...message, waiting: [...message.waiting, delta].slice(-WAITING_MAX), gap: true };
}

function extended(message, delta) {
  const overlap = message.length - delta.offset;
  const points = [...delta.text];
  if (overlap >= points.length) return message;
  const added = overlap ? points.slice(overlap).join("") : delta.text;
  return { ...message, content: message.content + added, length: delta.offset + points.length };
}

/** Apply the deltas that waited, as far as they reach. */
function caughtUp(message) {
  if (!message.waiting.length) return message;
  let current = { ...message, gap: false };
  const waiting = message.waiting.filter((delta) => delta.generation === current.generation);
  const left = waiting.filter((delta) => {
    if (delta.offset > current.length) return true;
    current = extended(current, delta);
    return false;
  });
  return { ...current, waiting: left, gap: left.length > 0 };
}
