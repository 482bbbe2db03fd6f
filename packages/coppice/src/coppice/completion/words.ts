/**
 * bash splits words at `=`: `--repo=r` arrives as `--repo`, `=`, `r`. Puts them together again; `cut` is how much of the last
 * word bash already has and must not get back.
 */
export function joinWords(words: readonly string[]): { joined: string[]; cut: number } {
  const joined: string[] = [];
  let cut = 0;
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    const last = joined.at(-1);
    if (word === '=' && last?.startsWith('--') && !last.includes('=')) {
      const next = words[i + 1];
      joined[joined.length - 1] = `${last}=${next ?? ''}`;
      cut = i + 1 >= words.length - 1 ? last.length + 1 : 0;
      i++;
    } else {
      joined.push(word);
      cut = 0;
    }
  }
  return { joined, cut };
}
