/** Places at which branches of a chat part, put among what is shown. */

/** Return the entries with each fork on the message that it begins with, or in a row of its own before it. */
export function withForks(entries, state) {
  const all = [...entries];
  for (const item of state.forks) {
    const place = all.findIndex((entry) => entry.seq >= item.seq);
    const first = all[place];
    const changes = !state.turn && !state.waiting && state.session?.state === "active";
    if (first?.kind === "user") all[place] = { ...first, fork: item };
    else all.splice(place < 0 ? all.length : place, 0, forkEntry(item, changes));
  }
  return all;
}

function forkEntry(item, changes) {
  return { key: `fork-${item.seq}`, kind: "fork", seq: item.seq, item, changes };
}
