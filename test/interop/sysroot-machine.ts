// A virtual machine for a disk image without boot loader: the newest entry is read out of the image as a boot loader would
// read it, and QEMU gets kernel, initramfs and arguments. Software emulation, unless COPPICE_QEMU_ACCEL=kvm.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BootConfig, strverscmp } from '@coppice/sysroot';

function debugfs(image: string, command: string): string {
  return spawnSync('debugfs', ['-R', command, image], { encoding: 'utf8', maxBuffer: 1 << 28 }).stdout;
}

/** Boot entries of an image, the default first. */
export function imageEntries(image: string): BootConfig[] {
  // The trailing slash makes debugfs follow the link `loader`.
  const names = debugfs(image, 'ls -p /boot/loader/entries/')
    .split('\n')
    .map((line) => line.split('/')[5] ?? '')
    .filter((name) => name.endsWith('.conf'));
  return names
    .map((name) => BootConfig.parse(debugfs(image, `cat /boot/loader/entries/${name}`), name))
    .sort((a, b) => -strverscmp(a.get('version') ?? '', b.get('version') ?? ''));
}

const judge = join(import.meta.dirname, '../judges/boot-tree.sh');

/** A root file system that boots when it is deployed: COPPICE_BOOT_TREE, else what test/judges/boot-tree.sh made before. */
export const bootTree: string | undefined = (() => {
  const named = process.env.COPPICE_BOOT_TREE;
  if (named !== undefined) return named;
  const made = spawnSync(judge, ['--cached'], { encoding: 'utf8' });
  return made.status === 0 ? made.stdout.trim() : undefined;
})();

/** Why nothing is booted here; undefined when it is. In CI what is missing fails instead. */
export const bootSkipReason: string | undefined = (() => {
  const reason =
    bootTree === undefined || !existsSync(join(bootTree, 'usr/lib/modules'))
      ? 'no bootable tree: test/judges/boot-tree.sh makes it, or COPPICE_BOOT_TREE names one'
      : spawnSync('qemu-system-x86_64', ['--version']).error !== undefined
        ? 'qemu-system-x86_64 is not installed'
        : undefined;
  if (reason !== undefined && process.env.CI === 'true') throw new Error(reason);
  return reason ?? (process.getuid?.() === 0 ? undefined : 'the tree has files that only root can read');
})();

const acceleration = process.env.COPPICE_QEMU_ACCEL === 'kvm' ? 'kvm' : 'tcg,thread=multi,tb-size=128';

/**
 * Kernel arguments for a system that these machines boot. The timer check and the watchdog fail where an emulated machine has
 * to wait for its turn; a panic should end the machine.
 */
export const machineArguments: readonly string[] = [
  'console=ttyS0,115200',
  'quiet',
  'no_timer_check',
  'nowatchdog',
  'panic=1',
  'mitigations=off',
];

export class Machine {
  readonly #process: ChildProcess;
  readonly #folder: string;
  #text = '';
  #ended = false;
  #wake: () => void = () => {};
  readonly #kill = (): void => void this.#process.kill('SIGKILL');

  /** Starts entry `index` of the image. Changes are written to the image. */
  constructor(image: string, index = 0) {
    const entry = imageEntries(image)[index];
    if (entry === undefined) throw new Error(`no boot entry ${index} in ${image}`);
    this.#folder = mkdtempSync(join(tmpdir(), 'coppice-machine-'));
    const file = (key: string): string => {
      const target = join(this.#folder, key);
      debugfs(image, `dump /boot${entry.get(key)} ${target}`);
      return target;
    };
    const drive = `file=${image},format=raw,if=virtio,cache=unsafe`;
    const size = ['-machine', 'q35', '-m', '1024', '-smp', '1', '-accel', acceleration];
    const quiet = ['-nographic', '-no-reboot', '-nodefaults', '-serial', 'stdio', '-device', 'virtio-rng-pci'];
    const boot = ['-kernel', file('linux'), '-initrd', file('initrd'), '-append', entry.get('options') ?? ''];
    this.#process = spawn('qemu-system-x86_64', [...size, ...quiet, '-drive', drive, ...boot], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#process.stdout!.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString();
      this.#wake();
    });
    process.once('exit', this.#kill);
    this.#process.on('exit', () => {
      process.off('exit', this.#kill);
      this.#ended = true;
      this.#wake();
    });
  }

  /** Waits for the console to show `pattern`; returns what came before it. */
  async expect(pattern: RegExp, seconds = 600): Promise<string> {
    const end = Date.now() + seconds * 1000;
    for (;;) {
      const match = pattern.exec(this.#text);
      if (match !== null) {
        const before = this.#text.slice(0, match.index);
        this.#text = this.#text.slice(match.index + match[0].length);
        return before;
      }
      const left = end - Date.now();
      if (this.#ended || left <= 0)
        throw new Error(`${pattern} not seen; console ends with: ${this.#text.slice(-2000)}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** Waits for the root shell that the serial console logs into. */
  async login(seconds = 600): Promise<void> {
    await this.expect(/root@[\w-]+:~# /, seconds);
    await this.run(
      "stty -echo cols 500; export PS1='' TERM=dumb PAGER=cat; bind 'set enable-bracketed-paste off'; dmesg -n 1",
    );
  }

  /** Runs a command in the shell; its output without carriage returns. */
  async run(command: string): Promise<string> {
    // The mark is split so that the echo of the command is not taken for it.
    this.#process.stdin!.write(`${command}\necho __E''ND__\n`);
    return (await this.expect(/__END__\r?\n/)).replaceAll('\r', '');
  }

  /** Shuts the system down and waits for the machine to end. */
  async powerOff(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.stdin!.write('systemctl poweroff\n');
    if (!this.#ended) await ended;
    this.end();
  }

  end(): void {
    if (!this.#ended) this.#kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
