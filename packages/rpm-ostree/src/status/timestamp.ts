/** `2020-01-28T16:10:53Z` of seconds since the epoch. */
export function formatTimestamp(seconds: number): string {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return '(invalid timestamp)';
  return `${date.toISOString().slice(0, 19)}Z`;
}
