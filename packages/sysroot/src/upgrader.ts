// Following an origin: fetch what its ref names now, check that it is not older than what runs, deploy it.

import { CoppiceError } from '@coppice/base';
import { checkChecksum, parseRefspec, type Refspec } from '@coppice/ostree';
import type { Deployment } from './deployment.ts';
import { deployTree } from './deploytree.ts';
import type { Origin } from './origin.ts';
import { stageTree } from './staged.ts';
import type { Sysroot } from './sysroot.ts';
import { simpleWriteDeployment } from './writedeployments.ts';

/** Fetches refs or checksums from a remote into the sysroot's repository. */
export type Puller = (request: {
  readonly remote: string;
  readonly refs: readonly string[];
  /** Only the commit objects. */
  readonly commitOnly?: boolean;
  /** Refuse, before any ref moves, a commit older than the one the ref names now. */
  readonly refuseOlder?: boolean;
}) => Promise<void>;

export interface UpgraderOptions {
  readonly osname?: string | undefined;
  /** Do not refuse an origin that says it must be configured first. */
  readonly ignoreUnconfigured?: boolean;
  /** Leave the /etc merge and the boot swap to the shutdown. */
  readonly stage?: boolean;
  /** Fetches; not called for origins without a remote. */
  readonly pull: Puller;
}

export interface UpgradeResult {
  readonly changed: boolean;
  readonly checksum: string;
}

export class Upgrader {
  readonly #sysroot: Sysroot;
  readonly #options: UpgraderOptions;
  readonly osname: string;
  readonly mergeDeployment: Deployment;
  #origin: Origin;
  #refspec: Refspec;
  #checksum: string | undefined;

  /** Throws with the original's words when there is nothing to upgrade from. */
  constructor(sysroot: Sysroot, options: UpgraderOptions) {
    this.#sysroot = sysroot;
    this.#options = options;
    const osname = options.osname ?? sysroot.booted?.osname;
    if (osname === undefined)
      throw new CoppiceError('NotFound', 'Not currently booted into an OSTree system and no OS specified');
    if (osname === '') throw new CoppiceError('Usage', 'Invalid empty osname');
    this.osname = osname;
    const merge = sysroot.mergeDeployment(osname);
    if (merge === undefined) throw new CoppiceError('NotFound', `No previous deployment for OS '${osname}'`);
    this.mergeDeployment = merge;
    if (merge.origin === undefined) throw new CoppiceError('NotFound', `No origin known for deployment ${merge.name}`);
    this.#origin = merge.origin.clone();
    this.#refspec = this.#parse(this.#origin);
  }

  #parse(origin: Origin): Refspec {
    const state = origin.unconfiguredState;
    if (state !== undefined && this.#options.ignoreUnconfigured !== true)
      throw new CoppiceError('Conflict', `origin unconfigured-state: ${state}`);
    if (origin.refspec === undefined)
      throw new CoppiceError('NotFound', 'No origin/refspec in current deployment origin; cannot upgrade via ostree');
    if (origin.overrideCommit !== undefined) checkChecksum(origin.overrideCommit);
    return parseRefspec(origin.refspec);
  }

  /** A copy; put it back with `setOrigin`. */
  get origin(): Origin {
    return this.#origin.clone();
  }
  get refspec(): Refspec {
    return this.#refspec;
  }

  setOrigin(origin: Origin): void {
    this.#refspec = this.#parse(origin);
    this.#origin = origin.clone();
  }

  /**
   * Fetches the target. `synthetic` takes what is in the repository. Throws `Conflict` when the target is older than the
   * deployment and `allowOlder` is not set.
   */
  async pull(options: { allowOlder?: boolean; synthetic?: boolean } = {}): Promise<UpgradeResult> {
    const { repo } = this.#sysroot;
    const override = this.#origin.overrideCommit;
    const { remote } = this.#refspec;
    const fetch = remote !== undefined && options.synthetic !== true;
    const refuseOlder = options.allowOlder !== true;
    if (override === undefined) await this.#followRebase(fetch, refuseOlder);
    const { ref } = this.#refspec;
    const local = remote === undefined ? ref : `${remote}:${ref}`;
    if (fetch) await this.#options.pull({ remote, refs: [override ?? ref], refuseOlder });
    if (override !== undefined) repo.setRef(local, override);
    const checksum = override ?? repo.resolveRev(local);
    this.#checksum = checksum;
    const before = this.mergeDeployment.checksum;
    const changed = checksum !== before;
    if (changed && options.allowOlder !== true) this.#checkOrder(before, checksum);
    return { changed, checksum };
  }

  /** A branch that ended names the one that continues it in its last commit. */
  async #followRebase(fetch: boolean, refuseOlder: boolean): Promise<void> {
    const { repo } = this.#sysroot;
    const { remote, ref } = this.#refspec;
    const local = remote === undefined ? ref : `${remote}:${ref}`;
    if (fetch && remote !== undefined) await this.#options.pull({ remote, refs: [ref], commitOnly: true, refuseOlder });
    const head = repo.tryResolveRev(local);
    if (head === undefined || !repo.hasObject('commit', head)) return;
    const target = repo.loadCommit(head).metadata.lookupString('ostree.endoflife-rebase');
    if (target === undefined) return;
    const origin = this.origin;
    origin.removeTransientState();
    origin.keyFile.setString('origin', 'refspec', remote === undefined ? target : `${remote}:${target}`);
    this.setOrigin(origin);
  }

  #checkOrder(from: string, to: string): void {
    const { repo } = this.#sysroot;
    const time = (checksum: string): number => Number(repo.loadCommit(checksum).timestamp);
    const [before, after] = [time(from), time(to)];
    if (before <= after) return;
    throw new CoppiceError(
      'Conflict',
      `Upgrade target revision '${to}' with timestamp '${utc(after)}' is chronologically older than current ` +
        `revision '${from}' with timestamp '${utc(before)}'; use --allow-downgrade to permit`,
    );
  }

  /** Deploys what `pull` found, as the new default. */
  deploy(): Deployment {
    const sysroot = this.#sysroot;
    if (this.#checksum === undefined) throw new CoppiceError('Bug', 'deploy before pull');
    if (this.#options.stage === true)
      return stageTree(sysroot, this.osname, this.#checksum, this.#origin, { mergeDeployment: this.mergeDeployment });
    const fresh = deployTree(sysroot, this.osname, this.#checksum, this.#origin, {
      mergeDeployment: this.mergeDeployment,
    });
    simpleWriteDeployment(sysroot, fresh, { osname: this.osname, merge: this.mergeDeployment });
    return fresh;
  }
}

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `%c` of the C locale, in UTC. */
function utc(seconds: number): string {
  const date = new Date(seconds * 1000);
  const two = (n: number): string => String(n).padStart(2, '0');
  const clock = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
  const day = String(date.getUTCDate()).padStart(2, ' ');
  return `${days[date.getUTCDay()]} ${months[date.getUTCMonth()]} ${day} ${clock} ${date.getUTCFullYear()}`;
}
