const units = ['kB', 'MB', 'GB', 'TB', 'PB', 'EB'];

/** GLib's `g_format_size`: SI units, one decimal, a no-break space before the unit; `1 byte`, `126 bytes` below 1000. */
export function formatSize(bytes: number): string {
  if (bytes < 1000) return bytes === 1 ? '1 byte' : `${bytes} bytes`;
  let value = bytes;
  let unit = -1;
  do {
    value /= 1000;
    unit++;
  } while (unit < units.length - 1 && value >= 1000);
  return `${value.toFixed(1)}\u00a0${units[unit]!}`;
}
