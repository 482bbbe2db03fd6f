import { resolve } from 'node:path';
import { CoppiceError } from '@coppice/base';
import {
  deltaFilePath,
  engineSignatures,
  parseDeltaName,
  readDeltaFile,
  readOfflineSuperblock,
  readSigned,
  verifyWithKeys,
} from '@coppice/ostree';
import type { OstreeCall, OstreeVerb } from '../verb.ts';
import { engineOf, signTypeOptions, verifierOf } from './sign-key-options.ts';

export const verb: OstreeVerb = {
  params: 'STATIC-DELTA-FILE [KEY-ID...]',
  summary: 'Verify static delta signatures',
  options: () => signTypeOptions,
  run(call: OstreeCall) {
    const [name, ...keys] = call.operands;
    if (name === undefined) throw new CoppiceError('Usage', 'DELTA must be specified');
    const engine = engineOf(call);
    const signed = readSigned(superblock(call, name));
    const verifier = verifierOf(call, keys, false)!;
    try {
      if (signed === undefined) throw new CoppiceError('Signature', `${engine.name}: no signatures in static-delta`);
      verifyWithKeys(verifier, signed.inner, engineSignatures(engine, signed.signatures) ?? []);
      call.print('Verification OK');
      return 0;
    } catch (error) {
      call.print('Verification fails');
      throw error;
    }
  },
};

function superblock(call: OstreeCall, name: string): Buffer {
  if (/^[0-9a-f]{64}(-[0-9a-f]{64})?$/.test(name)) {
    const { from, to } = parseDeltaName(name);
    return readDeltaFile(call.repo, deltaFilePath(from, to, 'superblock'), 2 ** 30);
  }
  return readOfflineSuperblock(call.repo, resolve(call.context.cwd, name)).bytes;
}
