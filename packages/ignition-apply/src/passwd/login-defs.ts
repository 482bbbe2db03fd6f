import type { Root } from '../root.ts';

/** What useradd and groupadd read from /etc/login.defs and /etc/default/useradd. */
export interface LoginDefs {
  readonly uid: readonly [min: number, max: number];
  readonly systemUid: readonly [min: number, max: number];
  readonly gid: readonly [min: number, max: number];
  readonly systemGid: readonly [min: number, max: number];
  readonly homeMode: number;
  readonly userGroups: boolean;
  readonly mailDir: string;
  readonly createMailSpool: boolean;
  /** Shadow fields of new users: minimum, maximum and warning days, inactivity, expiry; '' for none. */
  readonly aging: readonly [min: string, max: string, warn: string];
  readonly inactive: string;
  readonly expire: string;
  readonly defaultGroup: string;
  readonly homeBase: string;
  readonly shell: string;
  readonly skeleton: string;
  readonly subIdMin: number;
  readonly subIdCount: number;
}

export function readLoginDefs(root: Root): LoginDefs {
  const defs = readPairs(root.readText('/etc/login.defs') ?? '', /^\s*([A-Z_]+)[\s"]+([^\s"#]*)/);
  const useradd = readPairs(root.readText('/etc/default/useradd') ?? '', /^\s*([A-Z_]+)=(.*?)\s*$/);
  const number = (name: string, fallback: number): number => {
    const value = Number(defs.get(name) ?? Number.NaN);
    return Number.isInteger(value) ? value : fallback;
  };
  const octal = (name: string): number | undefined => {
    const text = defs.get(name);
    return text !== undefined && /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : undefined;
  };
  const days = (name: string): string => {
    const value = number(name, -1);
    return value < 0 ? '' : String(value);
  };
  const uidMin = number('UID_MIN', 1000);
  const gidMin = number('GID_MIN', 1000);
  const inactive = useradd.get('INACTIVE') ?? '-1';
  return {
    uid: [uidMin, number('UID_MAX', 60000)],
    systemUid: [number('SYS_UID_MIN', 101), number('SYS_UID_MAX', uidMin - 1)],
    gid: [gidMin, number('GID_MAX', 60000)],
    systemGid: [number('SYS_GID_MIN', 101), number('SYS_GID_MAX', gidMin - 1)],
    homeMode: octal('HOME_MODE') ?? 0o777 & ~(octal('UMASK') ?? 0o022),
    userGroups: defs.get('USERGROUPS_ENAB') === 'yes',
    mailDir: defs.get('MAIL_DIR') ?? '/var/mail',
    createMailSpool: useradd.get('CREATE_MAIL_SPOOL') === 'yes',
    aging: [days('PASS_MIN_DAYS'), days('PASS_MAX_DAYS'), days('PASS_WARN_AGE')],
    inactive: inactive === '-1' ? '' : inactive,
    expire: useradd.get('EXPIRE') ?? '',
    defaultGroup: useradd.get('GROUP') ?? '100',
    homeBase: useradd.get('HOME') ?? '/home',
    shell: useradd.get('SHELL') ?? '/bin/bash',
    skeleton: useradd.get('SKEL') ?? '/etc/skel',
    subIdMin: number('SUB_UID_MIN', 100000),
    subIdCount: number('SUB_UID_COUNT', 65536),
  };
}

function readPairs(text: string, pattern: RegExp): Map<string, string> {
  const pairs = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = pattern.exec(line);
    if (match !== null) pairs.set(match[1]!, match[2]!);
  }
  return pairs;
}
