import { resolve } from 'node:path';
import { CoppiceError } from '@coppice/base';
import { deltaFilePath, parseDeltaName, readDeltaFile, readOfflineSuperblock, showDelta } from '@coppice/ostree';
import type { OstreeCall, OstreeVerb } from '../verb.ts';

export const verb: OstreeVerb = {
  summary: 'Dump information on a delta',
  options: () => [],
  run(call: OstreeCall) {
    const { operands, repo, context } = call;
    const [name] = operands;
    if (name === undefined) throw new CoppiceError('Usage', 'DELTA must be specified');
    // Newer releases take a file as well.
    if (call.level === '2026.4' && (name.includes('/') || name.startsWith('.'))) {
      const { bytes } = readOfflineSuperblock(repo, resolve(context.cwd, name));
      context.stdout.write(showDelta(repo, { from: undefined, to: '', hex: name }, bytes));
      return;
    }
    const delta = parseDeltaName(name);
    const bytes = readDeltaFile(repo, deltaFilePath(delta.from, delta.to, 'superblock'), 2 ** 30);
    context.stdout.write(showDelta(repo, delta, bytes));
  },
};
