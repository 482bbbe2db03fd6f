/** The word as a shell reads it back, single-quoted only where needed (as `status` prints requests and tmpfiles lines paths). */
export function shellQuote(word: string): string {
  if (word !== '' && /^[A-Za-z0-9_@%+=:,./~^-]+$/.test(word)) return word;
  return `'${word.replaceAll("'", "'\\''")}'`;
}
