import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { CoppiceError, errnoError, isCoppiceError, prefixError } from '@coppice/base';
import { byteswap, type Variant, Variant as VariantClass } from '@coppice/gvariant';
import type { LoadedFile, ObjectType } from '@coppice/ostree';
import { printCommit, printRaw, printXattrs } from './dump.ts';
import { isSymlink } from './file-mode.ts';
import { commitType } from './log.ts';
import { signatureText } from './signatures.ts';
import { printSizes } from './sizes.ts';
import type { OstreeCall, OstreeVerb } from './verb.ts';

export const verb: OstreeVerb = {
  params: 'OBJECT',
  summary: 'Output a metadata object',
  options: (level) => [
    { long: 'print-related', help: 'Show the "related" commits' },
    {
      long: 'print-variant-type',
      arg: 'TYPE',
      help: 'Memory map OBJECT (in this case a filename) to the GVariant type string',
    },
    ...(level === '2026.4' ? [{ long: 'list-metadata-keys', help: 'List the available metadata keys' }] : []),
    { long: 'print-metadata-key', arg: 'KEY', help: 'Print string value of metadata key' },
    ...(level === '2026.4'
      ? [
          { long: 'print-hex', help: 'For byte array valued keys, output an unquoted hexadecimal string' },
          { long: 'list-detached-metadata-keys', help: 'List the available detached metadata keys' },
        ]
      : []),
    { long: 'print-detached-metadata-key', arg: 'KEY', help: 'Print string value of detached metadata key' },
    { long: 'print-sizes', help: 'Show the commit size metadata' },
    { long: 'raw', help: 'Show raw variant data' },
    { long: 'no-byteswap', short: 'B', help: 'Do not automatically convert variant data from big endian' },
    { long: 'gpg-homedir', arg: 'HOMEDIR', filename: true, help: 'GPG Homedir to use when looking for keyrings' },
    { long: 'gpg-verify-remote', arg: 'REMOTE', help: 'Use REMOTE name for GPG configuration' },
  ],
  async run(call: OstreeCall) {
    const { repo, operands, options } = call;
    const [object] = operands;
    if (object === undefined) call.usage('An object argument is required');
    if (options.flag('list-detached-metadata-keys')) listKeys(call, detached(call, object));
    else if (options.has('print-detached-metadata-key')) {
      const key = options.string('print-detached-metadata-key')!;
      const value = detached(call, object).get(key);
      if (value === undefined) throw new CoppiceError('NotFound', `No such metadata key '${key}'`);
      printValue(call, value);
    } else if (options.flag('list-metadata-keys')) listKeys(call, repo.loadCommit(repo.resolveRev(object)).metadata);
    else if (options.has('print-metadata-key')) {
      const key = options.string('print-metadata-key')!;
      const value = repo.loadCommit(repo.resolveRev(object)).metadata.get(key);
      if (value === undefined) throw new CoppiceError('NotFound', `No such metadata key '${key}'`);
      printValue(call, value);
    } else if (options.flag('print-related')) {
      const [, , related] = VariantClass.decode(commitType, repo.loadCommitBytes(repo.resolveRev(object)))
        .value as unknown as [unknown, unknown, [string, Uint8Array][]];
      for (const [name, checksum] of related) call.print(`${name} ${Buffer.from(checksum).toString('hex')}`);
    } else if (options.has('print-variant-type')) printFile(call, object, options.string('print-variant-type')!);
    else if (options.flag('print-sizes')) printSizes(call, repo.resolveRev(object));
    else await showObject(call, object);
  },
};

function detached({ repo }: OstreeCall, object: string): ReadonlyMap<string, Variant> {
  const commit = repo.resolveRev(object);
  const found = repo.loadDetachedMetadata(commit);
  if (found === undefined) throw new CoppiceError('NotFound', `No detached metadata for commit ${commit}`);
  return found;
}

function listKeys(call: OstreeCall, metadata: ReadonlyMap<string, Variant>): void {
  for (const key of [...metadata.keys()].sort()) call.print(key);
}

function printValue(call: OstreeCall, value: Variant): void {
  if (call.options.flag('print-hex') && value.value instanceof Uint8Array) {
    call.print(Buffer.from(value.value).toString('hex'));
  } else call.print((call.options.flag('no-byteswap') ? value : byteswap(value)).toString());
}

function printFile(call: OstreeCall, name: string, type: string): void {
  let bytes: Buffer;
  try {
    bytes = readFileSync(resolve(call.context.cwd, name));
  } catch (error) {
    throw errnoError(error, `openat(${name})`);
  }
  call.print(printRaw(type, bytes, !call.options.flag('no-byteswap')));
}

const rawTypes: readonly (readonly [ObjectType, string])[] = [
  ['commit', commitType],
  ['dirmeta', '(uuua(ayay))'],
  ['dirtree', '(a(say)a(sayay))'],
];

async function showObject(call: OstreeCall, object: string): Promise<void> {
  const { repo, options, context } = call;
  const swap = !options.flag('no-byteswap');
  const raw = options.flag('raw') || !swap;
  const isChecksum = /^[0-9a-f]{64}$/.test(object);
  const checksum = isChecksum ? object : repo.resolveRev(object);
  for (const [type, format] of isChecksum ? rawTypes : rawTypes.slice(0, 1)) {
    if (isChecksum && !repo.hasObject(type, checksum)) continue;
    const bytes = repo.loadMetadata(type, checksum);
    // Not swapped, the original prints the raw value and then the description too.
    const described = type === 'commit' && !(raw && swap);
    call.print(`${type} ${checksum}${raw ? `\n${printRaw(format, bytes, swap)}` : ''}`);
    if (described) {
      printCommit(context, checksum, repo.loadCommit(checksum), false);
      const home = options.string('gpg-homedir');
      const remote = options.string('gpg-verify-remote');
      context.stdout.write(
        await signatureText(call, checksum, {
          ...(home === undefined ? {} : { gpgHomedir: home }),
          ...(remote === undefined ? {} : { remote }),
        }),
      );
    }
    return;
  }
  showFile(call, checksum);
}

function showFile(call: OstreeCall, checksum: string): void {
  let file: LoadedFile;
  try {
    file = call.repo.loadFile(checksum);
  } catch (error) {
    const lead = `Opening content object ${checksum}`;
    throw isCoppiceError(error) && error.message.startsWith(lead) ? error : prefixError(error, lead);
  }
  const { header, size } = file;
  const link = isSymlink(header.mode);
  call.print(`Object: ${checksum}\nType: file\nFile Type: ${link ? 'symlink' : 'regular'}`);
  call.print(link ? `Target: ${header.symlinkTarget}` : `Size: ${size}`);
  call.print(`Mode: 0${header.mode.toString(8)}\nUid: ${header.uid}\nGid: ${header.gid}`);
  call.print(`Extended Attributes: { ${printXattrs(header.xattrs)} }`);
}
