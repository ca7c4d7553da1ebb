/** How a connection stands, in words; the states are those of `feed.js`. */

const WORDS = {
  connecting: "Connecting…",
  live: "Live",
  reconnecting: "Reconnecting…",
  offline: "Offline",
  busy: "Not connected",
  closed: "Not connected",
};

/** Return one or two words for a state. */
export const connectionWord = ({ name }) => WORDS[name] ?? "";

/** Return what to tell about a state at the moment `now` (milliseconds since 1970); "" if all is well. */
export function connectionSentence({ name, at, message, problem }, now = Date.now()) {
  if (name === "offline") return "You are offline. It goes on when the network is back.";
  if (name === "busy") return `Too many open tabs: close some. ${tryingAgain(at, now)}`;
  if (name === "reconnecting") return `${message ?? "Connection lost."} ${tryingAgain(at, now)}`;
  return name === "closed" ? problem.message : "";
}

function tryingAgain(at, now) {
  const seconds = at ? Math.ceil((at - now) / 1000) : 0;
  return seconds > 0 ? `Trying again in ${seconds} s` : "Trying again…";
}
