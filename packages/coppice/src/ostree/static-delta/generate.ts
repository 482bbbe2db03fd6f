import { resolve } from 'node:path';
import { CoppiceError } from '@coppice/base';
import { VariantDict } from '@coppice/gvariant';
import { deltaName, generateDelta, hasDelta, withEngineSignature } from '@coppice/ostree';
import { ensureWritable } from '../ensure-writable.ts';
import type { OstreeCall, OstreeVerb } from '../verb.ts';
import { engineOf, secretKeys, signTypeOptions } from './sign-key-options.ts';

const mega = 1000 * 1000;

export const verb: OstreeVerb = {
  params: '[TO]',
  summary: 'Generate static delta files',
  options: () => [
    { long: 'from', arg: 'REV', help: 'Create delta from revision REV' },
    { long: 'empty', help: 'Create delta from scratch' },
    { long: 'inline', help: 'Inline delta parts into main delta' },
    { long: 'to', arg: 'REV', help: 'Create delta to revision REV' },
    { long: 'disable-bsdiff', help: 'Disable use of bsdiff' },
    { long: 'if-not-exists', short: 'n', help: 'Only generate if a delta does not already exist' },
    { long: 'set-endianness', arg: 'ENDIAN', help: "Choose metadata endianness ('l' or 'B')" },
    { long: 'swap-endianness', help: 'Swap metadata endianness from host order' },
    { long: 'min-fallback-size', arg: '', help: 'Minimum uncompressed size in megabytes for individual HTTP request' },
    {
      long: 'max-bsdiff-size',
      arg: '',
      help: 'Maximum size in megabytes to consider bsdiff compression for input files',
    },
    { long: 'max-chunk-size', arg: '', help: 'Maximum size of delta chunks in megabytes' },
    {
      long: 'filename',
      arg: 'PATH',
      filename: true,
      help: 'Write the delta content to PATH (a directory).  If not specified, the OSTree repository is used',
    },
    { long: 'sign', arg: 'KEY_ID', type: 'strings', help: 'Sign the delta with' },
    ...signTypeOptions,
  ],
  async run(call: OstreeCall) {
    const { operands, options, repo, context } = call;
    ensureWritable(repo);
    const target = options.string('to') ?? operands[0];
    if (target === undefined) throw new CoppiceError('Usage', 'TO revision must be specified');
    if (options.flag('empty') && options.has('from'))
      throw new CoppiceError('Usage', 'Cannot specify both --empty and --from=REV');
    const to = repo.resolveRev(target);
    const from = source(call, target, to);
    if (options.flag('if-not-exists') && hasDelta(repo, from, to)) {
      call.print(`Delta ${deltaName(from, to).hex} already exists.`);
      return;
    }
    call.print(`Generating static delta:\n  From: ${from ?? 'empty'}\n  To:   ${to}`);
    const filename = options.string('filename');
    const size = (name: string): number | undefined => {
      const text = options.string(name);
      return text === undefined ? undefined : Number.parseInt(text, 10) * mega || 0;
    };
    const [fallback, bsdiffSize, chunk] = [size('min-fallback-size'), size('max-bsdiff-size'), size('max-chunk-size')];
    const keys = signKeys(call);
    await generateDelta(repo, {
      from,
      to,
      inline: options.flag('inline'),
      bsdiff: !options.flag('disable-bsdiff'),
      bigEndian: bigEndian(call),
      log: call.warn,
      ...(fallback === undefined ? {} : { minFallback: fallback }),
      ...(bsdiffSize === undefined ? {} : { maxBsdiff: bsdiffSize }),
      ...(chunk === undefined ? {} : { maxChunk: chunk }),
      ...(filename === undefined ? {} : { filename: resolve(context.cwd, filename) }),
      ...(keys === undefined ? {} : { sign: keys }),
    });
  },
};

function source(call: OstreeCall, target: string, to: string): string | undefined {
  const { options, repo } = call;
  if (options.flag('empty')) return undefined;
  const given = options.string('from');
  if (given !== undefined) return repo.resolveRev(given);
  const parent = repo.loadCommit(to).parent;
  if (parent === undefined) throw new CoppiceError('NotFound', `Commit ${repo.resolveRev(target)} has no parent`);
  return parent;
}

function bigEndian({ options }: OstreeCall): boolean {
  const set = options.string('set-endianness');
  if (set !== undefined) {
    if (set !== 'l' && set !== 'B') throw new CoppiceError('Usage', `Invalid endianness '${set}'`);
    return set === 'B';
  }
  return options.flag('swap-endianness');
}

function signKeys(call: OstreeCall): ((superblock: Uint8Array) => VariantDict) | undefined {
  const words = call.options.strings('sign');
  if (words.length === 0 && !call.options.has('keys-file')) return undefined;
  const engine = engineOf(call);
  const keys = secretKeys(call, engine, words);
  return (superblock) => {
    let dict = new VariantDict();
    for (const key of keys) dict = withEngineSignature(engine, dict, engine.sign(key, superblock));
    return dict;
  };
}
