import { CoppiceError, errnoError } from '@coppice/base';
import { decode, type Value, Variant, VariantDict } from '@coppice/gvariant';
import { formatSize } from '../codec/format-size.ts';
import { isRegular, isSymlink } from '../codec/mode-bits.ts';
import type { ObjectType } from '../codec/object-type.ts';
import type { Repo } from '../repo.ts';
import { writeBeside } from '../store/refs.ts';
import { BlobFile } from './blob-file.ts';
import type { PatchSink } from './bsdiff.ts';
import { BsdiffWorkspace, bsdiffFile } from './bsdiff-file.ts';
import { deltaDir, deltaFilePath } from './name.ts';
import { PartBuilder } from './part-builder.ts';
import { PartFile } from './part-file.ts';
import { type RollsumMatch, rollsum } from './rollsum.ts';
import { commitObjects, type NamedContent, namedContent, similarFiles, usableSource } from './similar.ts';
import {
  type DeltaFallback,
  type DeltaPartHeader,
  encodeSuperblock,
  endiannessKey,
  endiannessVariant,
  writeSigned,
} from './superblock.ts';

export interface GenerateDeltaOptions {
  /** Undefined: from nothing. */
  readonly from: string | undefined;
  readonly to: string;
  /** Sizes in bytes. Plain files over `minFallback` are left to an ordinary fetch (0: never). */
  readonly minFallback?: number;
  readonly maxBsdiff?: number;
  readonly maxChunk?: number;
  readonly bsdiff?: boolean;
  /** Parts inside the superblock. */
  readonly inline?: boolean;
  readonly bigEndian?: boolean;
  /** Superblock file outside the repository; its parts go beside it. */
  readonly filename?: string;
  readonly metadata?: ReadonlyMap<string, Variant>;
  /** Adds a signature over the superblock to the dictionary. */
  readonly sign?: (superblock: Uint8Array) => VariantDict;
  /** Told what is being done, line by line. */
  readonly log?: (line: string) => void;
}

const mega = 1000 * 1000;

type Plan =
  | { readonly kind: 'rollsum'; readonly from: string; readonly matches: readonly RollsumMatch[] }
  | { readonly kind: 'bsdiff'; readonly from: string };

/**
 * Dictionaries of the encoder, which takes twelve times as much memory. Patches are mostly zeros and gain nothing from a
 * larger one; for other contents there is room, since nothing is compared meanwhile. Parts are compressed at a time as long
 * as their dictionaries are not more than `together`.
 */
const dictionary = { patches: 2 * 1024 * 1024, files: 8 * 1024 * 1024, together: 4 * 1024 * 1024 } as const;

/**
 * Makes the static delta between two commits (or from nothing) and stores it, superblock last. Parts are compressed off the
 * main thread while the next one is put together. Memory does not grow with files or parts: what a part holds lies in
 * nameless files beside where it goes.
 */
export async function generateDelta(repo: Repo, options: GenerateDeltaOptions): Promise<void> {
  await new Generator(repo, options).run();
}

/** A turn of the event loop, in which the encoder gets its next bytes. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

class Generator {
  readonly #repo: Repo;
  readonly #options: GenerateDeltaOptions;
  readonly #folder: string;
  readonly #parts: PartFile[] = [];
  readonly #fallbacks: DeltaFallback[] = [];
  #builder: PartBuilder;
  /** Parts that are being compressed. */
  readonly #running = new Map<Promise<void>, number>();
  #loose = 0;
  #made = 0;
  #told = 0;

  constructor(repo: Repo, options: GenerateDeltaOptions) {
    this.#repo = repo;
    this.#options = options;
    this.#folder = options.filename === undefined ? `${repo.path}/tmp` : folderOf(options.filename);
    this.#builder = this.#newBuilder();
  }

  #newBuilder(): PartBuilder {
    return new PartBuilder(new BlobFile(this.#repo.fs, this.#folder));
  }

  #log(line: string): void {
    this.#options.log?.(line);
  }

  async run(): Promise<void> {
    try {
      await this.#make();
      this.#store();
    } finally {
      await Promise.allSettled(this.#running.keys());
      this.#builder.close();
      this.#parts.forEach((part) => void part.discard());
    }
  }

  async #make(): Promise<void> {
    const { from, to } = this.#options;
    const repo = this.#repo;
    const fresh = commitObjects(repo, to);
    const old = from === undefined ? undefined : commitObjects(repo, from);
    const metadata = [...fresh.metadata].filter((key) => old === undefined || !old.metadata.has(key));
    const contents: NamedContent[] = [];
    const symlinks: NamedContent[] = [];
    for (const [checksum, names] of fresh.files) {
      if (old?.files.has(checksum)) continue;
      const content = namedContent(repo, checksum, names);
      (isSymlink(content.mode) ? symlinks : contents).push(content);
    }
    const regular = contents.filter((c) => isRegular(c.mode));
    const sources =
      old === undefined
        ? []
        : [...old.files].map(([checksum, names]) => namedContent(repo, checksum, names)).filter(usableSource);
    const similar = similarFiles(sources, regular);
    this.#log(`modified: ${similar.size}`);
    // The commit, which goes beside the parts, counts too.
    this.#log(
      `new reachable: metadata=${metadata.length + 1} content regular=${regular.length} symlink=${symlinks.length}`,
    );
    const plans = this.#plan(regular, similar);
    for (const key of metadata) {
      const [type, checksum] = key.split(' ') as [ObjectType, string];
      await this.#room();
      const bytes = repo.loadMetadata(type, checksum);
      this.#loose += bytes.length;
      this.#builder.metadata(type, checksum, bytes);
    }
    await this.#contents(regular, plans);
    for (const { checksum } of symlinks) {
      await this.#room();
      this.#loose += this.#looseSize(checksum);
      const { header } = repo.loadFile(checksum);
      const target = Buffer.from(header.symlinkTarget);
      this.#builder.file(checksum, header, target.length, [target]);
    }
    await this.#finishPart();
    await Promise.all(this.#running.keys());
    this.#report(plans);
  }

  /** Which new files are made from old ones, and how. */
  #plan(regular: readonly NamedContent[], similar: ReadonlyMap<string, NamedContent>): Map<string, Plan> {
    const { maxBsdiff = 128 * mega, bsdiff: wanted = true } = this.#options;
    const plans = new Map<string, Plan>();
    let rollsums = 0;
    for (const { checksum, size } of regular) {
      const source = similar.get(checksum);
      if (source === undefined) continue;
      const small = source.size + size <= maxBsdiff;
      const result = rollsum(
        this.#repo.loadFile(source.checksum).read(),
        this.#repo.loadFile(checksum).read(),
        // Of what is too large for a patch every equal chunk counts; the rest is chosen as libostree chooses it.
        small ? 'at the same start' : 'anywhere',
      );
      const percent = Math.floor((result.matchedChunks * 100) / Math.max(1, result.totalChunks));
      if (percent >= 50) {
        plans.set(checksum, { kind: 'rollsum', from: source.checksum, matches: result.matches });
        rollsums++;
        this.#log(
          `rollsum for ${source.checksum} -> ${checksum}; crcs=${result.matchedSums} bufs=${result.matchedChunks} total=${result.totalChunks} matchsize=${result.matchedBytes}`,
        );
      } else if (wanted && small) plans.set(checksum, { kind: 'bsdiff', from: source.checksum });
    }
    this.#log(`rollsum for ${rollsums}/${similar.size} modified`);
    return plans;
  }

  async #contents(regular: readonly NamedContent[], plans: ReadonlyMap<string, Plan>): Promise<void> {
    const repo = this.#repo;
    const of = (kind: Plan['kind']): NamedContent[] => regular.filter((c) => plans.get(c.checksum)?.kind === kind);
    for (const { checksum } of of('rollsum')) {
      const plan = plans.get(checksum) as Extract<Plan, { kind: 'rollsum' }>;
      await this.#room();
      const file = repo.loadFile(checksum);
      this.#builder.rollsum(checksum, file.header, file, plan.from, plan.matches);
    }
    const patched = of('bsdiff');
    const workspace = new BsdiffWorkspace();
    const step = Math.max(1, Math.floor(patched.length / 10));
    for (const [i, { checksum, size }] of patched.entries()) {
      const plan = plans.get(checksum)!;
      if (i % step === 0) this.#log(`processing bsdiff: [${i}/${patched.length}]`);
      await this.#room();
      const [old, file] = [repo.loadFile(plan.from), repo.loadFile(checksum)];
      const make = (sink: PatchSink): number => bsdiffFile(old, file, workspace, sink);
      this.#builder.bsdiff(checksum, file.header, size, plan.from, make);
    }
    const { minFallback = 4 * mega } = this.#options;
    for (const { checksum, size } of regular) {
      if (plans.has(checksum)) continue;
      const loose = this.#looseSize(checksum);
      if (minFallback > 0 && size > minFallback) {
        this.#log(`fallback for ${checksum} (${formatSize(size)})`);
        this.#fallbacks.push({ type: 'file', checksum, compressedSize: loose, uncompressedSize: size });
        continue;
      }
      this.#loose += loose;
      await this.#room(size);
      const file = repo.loadFile(checksum);
      this.#builder.file(checksum, file.header, size, file.read());
    }
  }

  /** Bytes that an ordinary fetch of the object would move. */
  #looseSize(checksum: string): number {
    const place = this.#repo.findObject('file', checksum);
    return place === undefined ? 0 : (this.#repo.fs.lstat(place.path)?.size ?? 0);
  }

  /** Starts a new part when the current one is large. */
  async #room(next = 0): Promise<void> {
    const { maxChunk = 32 * mega } = this.#options;
    if (this.#running.size > 0) await turn();
    if (this.#builder.objects.length > 0 && this.#builder.estimate + next > maxChunk) await this.#finishPart();
  }

  /** Hands the current part to the compressor, and waits when that has enough to do. */
  async #finishPart(): Promise<void> {
    const builder = this.#builder;
    // A delta without objects has one empty part all the same.
    if (builder.objects.length === 0 && this.#made > 0) return;
    const cost = builder.patched ? dictionary.patches : dictionary.files;
    const used = (): number => [...this.#running.values()].reduce((sum, n) => sum + n, 0);
    while (this.#running.size > 0 && used() + cost > dictionary.together) await Promise.race(this.#running.keys());
    const index = this.#made++;
    this.#builder = this.#newBuilder();
    const { fs, settings } = this.#repo;
    const options = { dictionary: cost, durable: settings.fsync };
    const done = PartFile.write(fs, this.#folder, builder, options).then((part) => {
      this.#parts[index] = part;
      this.#running.delete(done);
      this.#logParts();
    });
    this.#running.set(done, cost);
    // A failure shows when it is awaited; until then it must not count as unhandled.
    done.catch(() => {});
  }

  /** Tells of parts in their order. */
  #logParts(): void {
    for (let part = this.#parts[this.#told]; part !== undefined; part = this.#parts[++this.#told]) {
      const { objects, size, uncompressedSize } = part.header;
      this.#log(`part ${this.#told + 1} n:${objects.length} compressed:${size} uncompressed:${uncompressedSize}`);
    }
  }

  #report(plans: ReadonlyMap<string, Plan>): void {
    const sum = (of: (p: DeltaPartHeader) => number): number => this.#parts.reduce((n, p) => n + of(p.header), 0);
    this.#log(`uncompressed=${sum((p) => p.uncompressedSize)} compressed=${sum((p) => p.size)} loose=${this.#loose}`);
    let objects = 0;
    let bytes = 0;
    for (const plan of plans.values()) {
      if (plan.kind !== 'rollsum') continue;
      objects++;
      for (const match of plan.matches) bytes += match.size;
    }
    this.#log(`rollsum=${objects} objects, ${bytes} bytes`);
    this.#log(`bsdiff=${plans.size - objects} objects`);
  }

  #metadata(): VariantDict {
    const { from, to, inline, bigEndian = false, metadata } = this.#options;
    const out = new VariantDict(metadata ?? []);
    out.set(endiannessKey, endiannessVariant(bigEndian));
    if (inline === true) {
      this.#parts.forEach((part, i) => {
        out.set(deltaFilePath(from, to, String(i)), new Variant('(yay)', decode('(yay)', part.read())));
      });
    }
    const detached = this.#repo.loadDetachedMetadata(to);
    if (detached !== undefined && detached.size > 0)
      out.set(deltaFilePath(from, to, 'commitmeta'), new Variant('a{sv}', detached as unknown as Value));
    return out;
  }

  #store(): void {
    const { from, to, inline, bigEndian = false, filename, sign } = this.#options;
    const repo = this.#repo;
    const inner = encodeSuperblock({
      metadata: this.#metadata(),
      timestamp: BigInt(Math.floor(repo.clock.now() / 1000)),
      from,
      to,
      commit: repo.loadCommitBytes(to),
      parts: this.#parts.map((p) => p.header),
      fallbacks: this.#fallbacks,
      endianness: bigEndian ? 'big' : 'little',
    });
    const superblock = sign === undefined ? inner : writeSigned(inner, sign(inner));
    const dir = filename === undefined ? `${repo.path}/deltas/${deltaDir(from, to)}` : folderOf(filename);
    if (filename === undefined) makeDirs(repo, dir);
    if (inline !== true) {
      for (const [i, part] of this.#parts.entries()) part.rename(`${dir}/${i}`);
      if (repo.settings.fsync) repo.fs.syncDir(dir);
    }
    writeBeside(repo.fs, filename ?? `${dir}/superblock`, superblock, repo.settings.fsync);
    if (filename === undefined) removeOldParts(repo, dir, inline === true ? 0 : this.#parts.length);
  }
}

function folderOf(path: string): string {
  const slash = path.lastIndexOf('/');
  if (slash < 0) throw new CoppiceError('Bug', 'a delta file name must be absolute');
  return path.slice(0, slash) || '/';
}

function makeDirs(repo: Repo, dir: string): void {
  const below = dir.slice(repo.path.length + 1).split('/');
  below.forEach((_part, i) => {
    const path = `${repo.path}/${below.slice(0, i + 1).join('/')}`;
    if (repo.fs.lstat(path) !== undefined) return;
    try {
      repo.fs.mkdir(path, 0o755);
    } catch (error) {
      throw errnoError(error, `mkdirat(${path})`);
    }
  });
}

/** Parts of a delta that was there before and had more of them. */
function removeOldParts(repo: Repo, dir: string, count: number): void {
  for (const name of repo.fs.readdir(dir))
    if (/^[0-9]+$/.test(name) && Number(name) >= count) repo.fs.unlink(`${dir}/${name}`);
}
