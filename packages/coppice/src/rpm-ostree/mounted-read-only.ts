import { readFileSync } from 'node:fs';

/** Whether the mount that holds an absolute path is read-only, by /proc/self/mountinfo. */
export function mountedReadOnly(path: string): boolean {
  let best = '';
  let flags = '';
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    const fields = line.split(' ');
    const point = fields[4]?.replace(/\\040/g, ' ');
    if (point === undefined || point.length < best.length) continue;
    if (point !== path && !path.startsWith(point === '/' ? '/' : `${point}/`)) continue;
    best = point;
    flags = fields[5] ?? '';
  }
  return flags.split(',').includes('ro');
}
