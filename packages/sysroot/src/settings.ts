// The `[sysroot]` group of the system repository's config.

import { CoppiceError } from '@coppice/base';
import type { KeyFile } from '@coppice/keyfile';

export interface SysrootSettings {
  /** `auto`, `none`, or a boot loader's name. */
  readonly bootloader: string;
  readonly bootPrefix: boolean;
  /** Keys and values put into every entry but the default's. */
  readonly blsAppendExceptDefault: ReadonlyMap<string, string>;
  readonly bootCountingTries: number;
  readonly readOnly: boolean;
}

const group = 'sysroot';
const maxTries = 5;

export function sysrootSettings(config: KeyFile): SysrootSettings {
  const append = new Map<string, string>();
  for (const pair of config.stringList(group, 'bls-append-except-default', [] as string[])) {
    const at = pair.indexOf('=');
    if (at < 0)
      throw new CoppiceError(
        'Invalid',
        'bls-append-except-default key must be of the form "key1=value1;key2=value2..."',
      );
    append.set(pair.slice(0, at), pair.slice(at + 1));
  }
  return {
    bootloader: config.string(group, 'bootloader', 'auto'),
    bootPrefix: config.boolean(group, 'bootprefix', false),
    blsAppendExceptDefault: append,
    bootCountingTries: Math.min(maxTries, Math.max(0, config.integer(group, 'boot-counting-tries', 0))),
    readOnly: config.boolean(group, 'readonly', false),
  };
}
