import { advisoriesOfCommit, comparePackages, formatAdvisories, formatNevra, packagesOf } from '@coppice/rpm-ostree';
import { describeCommit, openDbRepo, repoOption } from './db-options.ts';
import { verbOptions } from './options.ts';
import type { Verb } from './verb.ts';

function pattern(glob: string): RegExp {
  return new RegExp(
    `^${glob
      .replace(/[.+^${}()|\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
  );
}

export const verb: Verb = {
  params: 'REV... [PREFIX-PKGNAME...]',
  summary: 'List packages within commits',
  options: verbOptions([repoOption, { long: 'advisories', short: 'a', help: 'Also list advisories' }], {
    daemon: false,
  }),
  run(call) {
    const repo = openDbRepo(call);
    const { operands } = call.options;
    const isRev = (word: string): boolean => {
      try {
        return repo.tryResolveRev(word) !== undefined;
      } catch {
        return false;
      }
    };
    // The first word that is no commit starts the patterns.
    const first = operands.findIndex((word) => !isRev(word));
    const revs = first < 0 ? operands : operands.slice(0, first);
    const patterns = operands.slice(revs.length).map((p) => pattern(p.includes('*') ? p : `${p}*`));
    if (revs.length === 0) {
      if (operands.length > 0) repo.resolveRev(operands[0]!);
      call.usageError('At least one REV must be specified');
    }
    for (const rev of revs) {
      const checksum = repo.resolveRev(rev);
      call.context.stdout.write(`ostree commit: ${describeCommit(rev, checksum)}\n`);
      const packages = packagesOf(repo, checksum).sort(comparePackages);
      for (const p of packages)
        if (patterns.length === 0 || patterns.some((r) => r.test(p.name)))
          call.context.stdout.write(` ${formatNevra(p)}\n`);
      const advisories = call.options.flag('advisories') ? advisoriesOfCommit(repo, checksum) : undefined;
      if (advisories !== undefined) call.context.stdout.write(`\n${formatAdvisories(advisories)}`);
    }
    return 0;
  },
};
