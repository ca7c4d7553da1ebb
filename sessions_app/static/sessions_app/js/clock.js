/** The server's time as far as this page knows it, and one tick a second for what shows a running time. */

const tickers = new Set();
let offset = null;

/**
 * Learn from a moment that the server stamped just now (ISO 8601 or an HTTP date).
 * A message arrives late, never early, so the largest difference seen is the nearest to the truth.
 */
export function observe(stamp) {
  const difference = Date.parse(stamp) - Date.now();
  if (Number.isFinite(difference)) offset = offset === null ? difference : Math.max(offset, difference);
}

/** Return the server's time in milliseconds since 1970. */
export function serverNow() {
  return Date.now() + (offset ?? 0);
}

/** Return the milliseconds since `stamp`, never below 0. */
export function since(stamp) {
  return Math.max(0, serverNow() - Date.parse(stamp));
}

/** Call `listener` once a second until the returned function is called. */
export function everySecond(listener) {
  tickers.add(listener);
  return () => tickers.delete(listener);
}

setInterval(() => tickers.forEach((listener) => listener()), 1000);
