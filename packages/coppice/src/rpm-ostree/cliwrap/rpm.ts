import type { WrapHost } from './host.ts';
import { runReal, runUnprivileged } from './host.ts';

/** What is done about a call of rpm: let through, after a warning, or answered with a notice. */
export type RpmDisposition = 'ok' | 'warn' | { readonly notice: string };

const verifyNotice = `rpm --verify is not necessary for ostree-based systems.
All binaries in /usr are underneath a read-only bind mount.
If you wish to verify integrity, use \`ostree fsck\`.`;

/** rpm has queries take precedence over everything else: a `q` among the short options, or `--query`. */
function asksOnly(args: readonly string[]): boolean {
  return args.some((a) => a === '--query' || (/^-[^-]/.test(a) && a.includes('q')));
}

export function rpmDisposition(args: readonly string[]): RpmDisposition {
  if (asksOnly(args) || args.includes('--version')) return 'ok';
  const options = args.filter((a) => a.startsWith('-'));
  if (options.some((a) => a !== '-V' && a !== '--verify')) return 'warn';
  return options.length > 0 ? { notice: verifyNotice } : 'ok';
}

export function wrapRpm(host: WrapHost, args: readonly string[]): number {
  if (host.type === 'ostree-container' || host.unlocked) return runReal(host, 'rpm', args);
  const disposition = rpmDisposition(args);
  if (typeof disposition === 'object') {
    host.context.stdout.write(`${disposition.notice}\n`);
    return 0;
  }
  return runUnprivileged(host, disposition === 'warn', 'rpm', args);
}
