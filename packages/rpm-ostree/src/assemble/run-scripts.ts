// The script phases over all packages of a change: every %pre, owners, every %post, every %posttrans, file triggers.
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CoppiceError, type Progress } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import type { Transaction } from '@coppice/ostree';
import type { Header } from '@coppice/rpm';
import type { ImportedPackage } from '../import/package-commit.ts';
import { ownersOnDisk } from '../tree/checkout-tree.ts';
import type { ImageTree } from '../tree/image-tree.ts';
import { collectChanges } from './collect-changes.ts';
import { kernelLayout } from './kernel-layout.ts';
import { enterPasswdGuard, type LocalUsers, leavePasswdGuard } from './passwd-guard.ts';
import { findSandboxTools, prepareScratch, runInSandbox, type SandboxLayout, type SandboxTools } from './sandbox.ts';
import { type FileTrigger, fileTriggersOf, type Script, scriptOf } from './script.ts';
import { scriptLabel } from './script-rules.ts';

export interface ScriptSurroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly fs: FileSystem;
  readonly progress: Progress;
  readonly signal?: AbortSignal;
  /** A directory of our own for overlays and checkouts, on the file system of the repository. */
  readonly scratch: string;
  /** Seconds since the epoch given to scripts as SOURCE_DATE_EPOCH. */
  readonly sourceDateEpoch?: number;
  readonly localUsers?: LocalUsers;
  readonly label?: (path: string, mode: number) => string | undefined;
  /** Scripts of kernels run too: kernel-install makes the initramfs (`boot-location: kernel-install`). */
  readonly kernelInstall?: boolean;
}

export interface ScriptPackage {
  readonly pkg: ImportedPackage;
  /** 1 for an installation, 2 for an upgrade or downgrade. */
  readonly argument: 1 | 2;
}

/** Programs that scripts call but that must not act in an image; each stands in front of the real one while scripts run. */
const systemctlWrapper = `#!/bin/sh
for word in "$@"; do
  case $word in
    preset|preset-all|--root|--root=*) exec /usr/bin/systemctl.rpmostreesave "$@" ;;
  esac
done
echo "rpm-ostree-systemctl: Ignored non-preset command: $*"
`;
/** Where kernel-install is not told of images, it would fill /boot. */
const kernelInstallWrapper = '#!/bin/sh\nexec /usr/bin/rpm-ostree cliwrap kernel-install "$@"\n';

export class ScriptRunner {
  readonly #tree: ImageTree;
  readonly #around: ScriptSurroundings;
  readonly #tools: SandboxTools;
  #layout: SandboxLayout;
  readonly #scratch: string;
  readonly #wrapped: string[] = [];

  /** `lower`: directories that together show the tree, what the overlays stand on. */
  constructor(tree: ImageTree, around: ScriptSurroundings, lower: readonly string[]) {
    this.#tree = tree;
    this.#around = around;
    this.#tools = findSandboxTools(around.env);
    this.#scratch = join(around.scratch, 'scripts');
    prepareScratch(this.#scratch);
    this.#layout = { lower, scratch: this.#scratch };
  }

  enter(): void {
    enterPasswdGuard(this.#tree, this.#scratch, this.#around.localUsers);
    this.#wrap('systemctl', systemctlWrapper);
    if (this.#tree.lookup('usr/bin/rpm-ostree') !== undefined && kernelLayout(this.#tree) !== 'ostree')
      this.#wrap('kernel-install', kernelInstallWrapper);
  }

  #wrap(name: string, wrapper: string): void {
    const path = `usr/bin/${name}`;
    const real = this.#tree.lookup(path)?.type === 'file' ? this.#tree.readFile(path) : undefined;
    if (real === undefined) return;
    this.#put(`${path}.rpmostreesave`, real);
    this.#put(path, Buffer.from(wrapper));
    this.#wrapped.push(path, `${path}.rpmostreesave`);
  }

  #put(path: string, bytes: Uint8Array): void {
    const target = join(this.#scratch, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, bytes);
    chmodSync(target, 0o755);
  }

  /** The overlays stand on these directories from now on. */
  setLower(lower: readonly string[]): void {
    this.#layout = { ...this.#layout, lower };
  }

  /** Users and groups as the scripts see them now: scratch /etc over the tree's files. */
  get scratch(): string {
    return this.#scratch;
  }

  async run(
    script: { readonly package: string; readonly interpreter: readonly string[]; readonly body: string },
    label: string,
    args: readonly string[],
    input?: string,
  ): Promise<void> {
    if (this.#around.signal?.aborted === true) throw new CoppiceError('Cancelled', 'Operation was cancelled');
    const id = `rpm-ostree(${script.package}.${label})`;
    const result = await runInSandbox(this.#tools, this.#layout, {
      argv: [...script.interpreter, '/proc/self/fd/5', ...args],
      script: script.body,
      ...(input === undefined ? {} : { input }),
      env:
        this.#around.sourceDateEpoch === undefined ? {} : { SOURCE_DATE_EPOCH: String(this.#around.sourceDateEpoch) },
      bwrapArguments: ['--ro-bind', join(this.#scratch, 'empty'), '/usr/share/rpm'].slice(
        0,
        this.#tree.lookup('usr/share/rpm') === undefined ? 0 : 3,
      ),
      ...(this.#around.signal === undefined ? {} : { signal: this.#around.signal }),
    });
    if (result.status === 0) return;
    const why =
      result.signal !== null
        ? `child process killed by signal ${result.signal}`
        : `child process exited with code ${result.status}`;
    const tail = result.output.trimEnd().split('\n').slice(-8).join('\n');
    throw new CoppiceError(
      'Process',
      `Running %${label} for ${script.package}: bwrap(${script.interpreter[0]}): Child process ${why.replace('child process ', '')}; run \`journalctl -t '${id}'\` for more information`,
      { data: { package: script.package, script: label, output: tail } },
    );
  }

  /** Runs one phase for all packages; returns how many scripts ran. */
  async phase(packages: readonly ScriptPackage[], kind: 'prein' | 'postin' | 'posttrans'): Promise<number> {
    const scripts: { script: Script; argument: 1 | 2 }[] = [];
    for (const { pkg, argument } of packages) {
      const script = scriptOf(pkg.header, kind, this.#around);
      if (script !== undefined) scripts.push({ script, argument });
    }
    const label = scriptLabel[kind];
    const step = `Running ${label} scripts`;
    if (scripts.length === 0) return 0;
    this.#around.progress({ type: 'begin', step });
    let done = 0;
    for (const { script, argument } of scripts) {
      this.#around.progress({ type: 'update', step, done, total: scripts.length, detail: script.package });
      await this.run(script, label, [String(argument)]);
      done += 1;
    }
    this.#around.progress({ type: 'end', step, text: `${done} done` });
    return done;
  }

  /** File triggers of all packages of the tree, for the paths that are new. */
  async fileTriggers(headers: Iterable<Header>, paths: readonly string[]): Promise<number> {
    let ran = 0;
    for (const header of headers) {
      for (const trigger of fileTriggersOf(header)) {
        const matching = matchTrigger(trigger, paths);
        if (matching.length === 0) continue;
        await this.run(trigger, 'transfiletriggerin', [], `${matching.map((p) => `/${p}`).join('\n')}\n`);
        ran += 1;
      }
    }
    return ran;
  }

  /** The tree is still usable: runs its /usr/bin/true when it has one. */
  async sanityCheck(): Promise<void> {
    if (this.#tree.lookup('usr/bin/true') === undefined) return;
    await runInSandbox(this.#tools, this.#layout, {
      argv: ['/usr/bin/true'],
      ...(this.#around.signal === undefined ? {} : { signal: this.#around.signal }),
    }).then((result) => {
      if (result.status !== 0)
        throw new CoppiceError('Process', 'Sanity-checking final rootfs: bwrap(true): Child process failed');
    });
  }

  /** Takes the wrappers out and moves what scripts changed into the tree. Returns the paths that changed. */
  leave(txn: Transaction): string[] {
    leavePasswdGuard(txn, this.#tree, this.#scratch);
    for (const path of this.#wrapped) rmSync(join(this.#scratch, path), { force: true });
    const options = {
      fs: this.#around.fs,
      keepOwners: ownersOnDisk(this.#tree.repo),
      ...(this.#around.label === undefined ? {} : { label: this.#around.label }),
    };
    return [
      ...collectChanges(txn, this.#tree, join(this.#scratch, 'etc'), 'usr/etc', options),
      ...collectChanges(txn, this.#tree, join(this.#scratch, 'usr'), 'usr', options),
    ];
  }
}

function matchTrigger(trigger: FileTrigger, paths: readonly string[]): string[] {
  return paths.filter((p) => trigger.patterns.some((pattern) => p.startsWith(pattern)));
}
