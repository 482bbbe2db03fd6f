import { CoppiceError } from '@coppice/base';
import type { Remote } from '../remote/remote.ts';
import type { Repo } from '../repo.ts';
import type { Transaction } from '../store/transaction.ts';
import type { Summary } from '../summary/summary-file.ts';
import type { MirrorList } from './mirrors.ts';
import type { PullOptions } from './options.ts';
import type { PullProgress } from './progress.ts';
import type { PullSession } from './session.ts';

export interface DeltaPlanSetup {
  readonly repo: Repo;
  readonly content: MirrorList;
  readonly summary: Summary | undefined;
  readonly indexed: boolean;
  readonly enabled: boolean;
  readonly options: PullOptions;
  readonly remoteName: string | undefined;
  readonly remote: Remote | undefined;
  readonly progress: PullProgress;
}

/** Decides commit by commit whether a static delta brings it. */
export class DeltaPlanner {
  readonly #setup: DeltaPlanSetup;
  readonly complete = new Set<string>();

  constructor(setup: DeltaPlanSetup) {
    this.#setup = setup;
  }

  /** True when a delta brings the commit and nothing more is to be asked for. */
  async plan(
    commit: string,
    current: string | undefined,
    _session: PullSession,
    _transaction: Transaction,
  ): Promise<boolean> {
    if (this.#setup.options.requireStaticDeltas === true)
      throw new CoppiceError(
        'NotFound',
        `Static deltas required, but none found for ${current ?? 'empty'} to ${commit}`,
      );
    return false;
  }

  dryRunText(): string {
    return '';
  }
}
