import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { CoppiceError } from '@coppice/base';
import { removeTree, replaceFile } from '@coppice/linux';
import { checkRefName, Repo } from '@coppice/ostree';
import { commitRoot, versionOf } from '@coppice/rpm-ostree';
import { defaultGpgHome } from '@coppice/signing';
import { gpgKey } from '../ostree/signers.ts';
import { extraMetadata, readComposeInput, versionFor } from './compose-input.ts';
import { outputPath } from './compose-output.ts';
import { composeJson, composeTime, composeTreeOptions, signWithKey } from './compose-tree.ts';
import { verbOptions } from './options.ts';
import type { Verb } from './verb.ts';

const shared = [
  'unified-core',
  'repo',
  'add-metadata-string',
  'add-metadata-from-json',
  'write-commitid-to',
  'write-composejson-to',
  'no-parent',
  'parent',
];

export const verb: Verb = {
  params: 'TREEFILE ROOTFS',
  summary: 'Commit a target path to an OSTree repository',
  options: verbOptions(
    composeTreeOptions.filter((o) => shared.includes(o.long)),
    { daemon: false },
  ),
  async run(call) {
    const { context, options } = call;
    const { treefile } = readComposeInput(call);
    const [, root] = options.operands;
    if (root === undefined) call.usageError('ROOTFS must be specified');
    const path = options.string('repo');
    if (path === undefined) throw new CoppiceError('Usage', '--repo must be specified');
    const repo = Repo.open(resolve(context.cwd, path), { env: context.env });
    const previous = treefile.ref === undefined ? undefined : repo.tryResolveRev(treefile.ref);
    const named = options.string('parent');
    const parent = options.flag('no-parent') ? undefined : named === undefined ? previous : repo.resolveRev(named);
    const timestamp = composeTime(call);
    const version = versionFor(
      treefile,
      previous === undefined ? undefined : versionOf(repo.loadCommit(previous)),
      timestamp,
    );
    const idTo = outputPath(call, 'write-commitid-to');
    const json = outputPath(call, 'write-composejson-to');
    if (treefile.ref !== undefined) checkRefName(treefile.ref);
    if (treefile.gpgKey !== undefined) gpgKey(defaultGpgHome(context.env), treefile.gpgKey);
    const scratch = mkdtempSync(join(tmpdir(), 'rpm-ostree-commit-'));
    try {
      const commit = await commitRoot(
        {
          repo,
          treefile,
          timestamp,
          scratch,
          env: context.env,
          metadata: extraMetadata(call),
          ...(version === undefined ? {} : { version }),
          ...(parent === undefined ? {} : { parent }),
          ...(idTo === undefined && treefile.gpgKey === undefined ? {} : { ref: null }),
        },
        resolve(context.cwd, root!),
      );
      if (treefile.gpgKey !== undefined) {
        signWithKey(call, repo, commit, treefile.gpgKey);
        if (idTo === undefined && treefile.ref !== undefined) repo.setRef(treefile.ref, commit);
      }
      context.stdout.write(
        idTo === undefined && treefile.ref !== undefined
          ? `${treefile.ref} => ${commit}\n`
          : `Wrote commit: ${commit}\n`,
      );
      if (idTo !== undefined) replaceFile(idTo, Buffer.from(commit));
      if (json !== undefined)
        replaceFile(json, Buffer.from(composeJson(repo, commit, { ref: treefile.ref, parent, stats: {} })));
    } finally {
      removeTree(scratch);
    }
    return 0;
  },
};
