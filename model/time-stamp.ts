/** Below it a number counts seconds (up to the year 5138), from it on milliseconds (since March 1973). */
const firstMillisecondStamp = 1e11

/** A number of seconds or milliseconds since 1970 as whole milliseconds. */
export function millisecondsOf(stamp: number): number {
  return Math.round(Math.abs(stamp) < firstMillisecondStamp ? stamp * 1000 : stamp)
}
