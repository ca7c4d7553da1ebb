/**
 * Text in flight: how deltas extend a message.
 *
 * The server counts characters as code points, JavaScript strings count UTF-16 units: `length` keeps the
 * server's count, so that an emoji does not shift everything behind it.
 */

/** Return the number of code points in `text`. */
export function characters(text) {
  let number = 0;
  for (const _ of text) number += 1;
  return number;
}

/** Return the message as this page keeps it. */
export function fresh(payload) {
  return { ...payload, length: characters(payload.content) };
}

/** Whether text before the delta never came. */
export function leavesGap(message, delta) {
  if (message.state !== "streaming" || delta.generation < message.generation) return false;
  return delta.offset > (delta.generation > message.generation ? 0 : message.length);
}

/** Return the message with the delta applied: what is there already is left out, a new generation replaces it. */
export function applyDelta(message, delta) {
  const isOld = message.state !== "streaming" || delta.generation < message.generation;
  if (isOld || leavesGap(message, delta)) return message;
  const isNewer = delta.generation > message.generation;
  const { content, length } = isNewer ? { content: "", length: 0 } : message;
  const added = [...delta.text].slice(length - delta.offset);
  if (!added.length && !isNewer) return message;
  return {
    ...message,
    generation: delta.generation,
    content: content + added.join(""),
    length: length + added.length,
  };
}
