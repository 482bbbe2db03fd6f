// Automatic versions of composes: a prefix, and a counter that goes up while the prefix stays.

/** strftime in UTC for the conversions that version schemes use; unknown ones stay as they are. */
function strftime(format: string, date: Date): string {
  const two = (n: number): string => String(n).padStart(2, '0');
  const dayOfYear = Math.floor(
    (Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()) - Date.UTC(date.getUTCFullYear(), 0, 0)) /
      86400000,
  );
  return format.replace(/%(.)/g, (whole, c: string) => {
    switch (c) {
      case 'Y':
        return String(date.getUTCFullYear());
      case 'y':
        return two(date.getUTCFullYear() % 100);
      case 'm':
        return two(date.getUTCMonth() + 1);
      case 'd':
        return two(date.getUTCDate());
      case 'e':
        return String(date.getUTCDate()).padStart(2, ' ');
      case 'H':
        return two(date.getUTCHours());
      case 'M':
        return two(date.getUTCMinutes());
      case 'S':
        return two(date.getUTCSeconds());
      case 'j':
        return String(dayOfYear).padStart(3, '0');
      case 's':
        return String(Math.floor(date.getTime() / 1000));
      case 'F':
        return date.toISOString().slice(0, 10);
      case 'T':
        return date.toISOString().slice(11, 19);
      case '%':
        return '%';
      default:
        return whole;
    }
  });
}

/**
 * The version after `last`. `prefix` may hold `<date:STRFTIME>` (UTC), which then always carries a counter from 0 that
 * starts again when the date changes. `suffix` is the character between prefix and counter.
 */
export function nextVersion(prefix: string, suffix: string, last: string | undefined, now: Date): string {
  let dated = false;
  const head = prefix.replace(/<date:([^>]*)>/g, (_, format: string) => {
    dated = true;
    return strftime(format, now);
  });
  const fresh = dated ? `${head}${suffix}0` : head;
  if (last === undefined || !last.startsWith(head)) return fresh;
  if (last === head) return `${head}${suffix}${dated ? 0 : 1}`;
  const rest = last.slice(head.length);
  if (!rest.startsWith(suffix)) return fresh;
  const digits = /^\d*/.exec(rest.slice(suffix.length))![0];
  return `${head}${suffix}${BigInt(digits === '' ? '0' : digits) + 1n}`;
}
