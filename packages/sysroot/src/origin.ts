// The `.origin` key file beside a deployment: where it came from, and what `upgrade` follows.

import { KeyFile } from '@coppice/keyfile';

/** Group of what belongs to one deployment only and is dropped when the origin is handed on. */
const transientGroup = 'libostree-transient';

export class Origin {
  /** The key file itself; foreign groups and keys are kept. */
  readonly keyFile: KeyFile;

  constructor(keyFile: KeyFile = new KeyFile()) {
    this.keyFile = keyFile;
  }

  static fromRefspec(refspec: string): Origin {
    const origin = new Origin();
    origin.keyFile.setString('origin', 'refspec', refspec);
    return origin;
  }

  /** Throws `Invalid` on text that is no key file. */
  static parse(text: string | Uint8Array): Origin {
    return new Origin(KeyFile.parse(text));
  }

  clone(): Origin {
    return new Origin(this.keyFile.clone());
  }

  get refspec(): string | undefined {
    return this.keyFile.string('origin', 'refspec', undefined);
  }

  /** The checksum that `upgrade --override-commit` asked for. */
  get overrideCommit(): string | undefined {
    return this.keyFile.string('origin', 'override-commit', undefined);
  }

  set overrideCommit(checksum: string | undefined) {
    if (checksum !== undefined) this.keyFile.setString('origin', 'override-commit', checksum);
    else if (this.keyFile.hasKey('origin', 'override-commit')) this.keyFile.unset('origin', 'override-commit');
  }

  /** Why the system cannot be upgraded until it is configured; shown to the user. */
  get unconfiguredState(): string | undefined {
    return this.keyFile.string('origin', 'unconfigured-state', undefined);
  }

  get unlocked(): string | undefined {
    return this.keyFile.string('origin', 'unlocked', undefined);
  }

  set unlocked(state: string | undefined) {
    if (state !== undefined) this.keyFile.setString('origin', 'unlocked', state);
    else if (this.keyFile.hasKey('origin', 'unlocked')) this.keyFile.unset('origin', 'unlocked');
  }

  get pinned(): boolean {
    return this.keyFile.string(transientGroup, 'pinned', undefined)?.trimEnd() === 'true';
  }

  set pinned(pinned: boolean) {
    if (pinned) this.keyFile.setBoolean(transientGroup, 'pinned', true);
    else if (this.keyFile.hasKey(transientGroup, 'pinned')) this.keyFile.unset(transientGroup, 'pinned');
  }

  /** Drops what must not pass to the next deployment. */
  removeTransientState(): void {
    if (this.keyFile.hasGroup(transientGroup)) this.keyFile.removeGroup(transientGroup);
    this.unlocked = undefined;
  }

  toString(): string {
    return this.keyFile.toString();
  }
}
