// What kernel-install calls while an image is built: only there, with the image's own dracut and depmod.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { kernelInstall } from '@coppice/rpm-ostree';
import { afterEach, beforeEach, expect, it } from 'vitest';

let root: string;
let ran: string[];
let said: string[];
let status: number;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'coppice-kernel-install-'));
  ran = [];
  said = [];
  status = 0;
  put('ostree/repo/config', '[core]\nrepo_version=1\nmode=bare-split-xattrs\n');
  put('usr/lib/modules/5.4.10/vmlinuz', 'kernel');
});
afterEach(() => rmSync(root, { recursive: true }));

function put(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}
const call = (args: string[], env: Record<string, string> = { KERNEL_INSTALL_LAYOUT: 'ostree' }): number =>
  kernelInstall(args, {
    env,
    root,
    run(program, words) {
      ran.push([program, ...words].join(' '));
      const at = words.indexOf('-f');
      if (at >= 0 && status === 0) writeFileSync(words[at + 1]!, 'image');
      return status;
    },
    print: (line) => said.push(line),
    warn: (line) => said.push(line),
  });
const initramfs = (): string => join(root, 'usr/lib/modules/5.4.10/initramfs.img');

it('adds the initramfs and indexes modules, and is all that is needed', () => {
  expect(call(['add', '5.4.10', '/boot/x', 'vmlinuz'])).toBe(77);
  expect(said).toEqual(['Generating initramfs', 'Running depmod']);
  expect(ran[0]).toMatch(
    /^dracut --no-hostonly --kver 5\.4\.10 --reproducible -v --add ostree -f \/\S+\/initramfs\.img$/,
  );
  expect(ran.slice(1)).toEqual(['depmod -a 5.4.10']);
  const bytes = readFileSync(initramfs());
  // The kernel looks for the second archive at multiples of four, after four zeros at least.
  const at = bytes.indexOf('070701');
  expect([at % 4, bytes.subarray(0, 5).toString(), bytes.subarray(5, at).every((b) => b === 0), at - 5 >= 4]).toEqual([
    0,
    'image',
    true,
    true,
  ]);
  expect(call(['remove', '5.4.10'])).toBe(0);
  expect(existsSync(initramfs())).toBe(false);
  expect(call(['remove', 'never-there'])).toBe(0);
});

it('leaves alone what is no image, and names what cannot be', () => {
  expect(call(['add', '5.4.10'], {})).toBe(0);
  expect(call(['add', '5.4.10'], { KERNEL_INSTALL_LAYOUT: 'bls' })).toBe(0);
  expect(said).toEqual([]);
  put('ostree/repo/config', '[core]\nmode=bare\n');
  expect(call(['add', '5.4.10'])).toBe(0);
  expect(said).toEqual(['warning: confused state: KERNEL_INSTALL_LAYOUT=ostree but not in an ostree container']);
  put('ostree/repo/config', '[core]\nmode=bare-split-xattrs\n');
  expect(call(['inspect'])).toBe(0);
  expect(() => call(['add'])).toThrow('Adding kernel: No kernel version provided');
  expect(() => call(['add', '../x'])).toThrow('Invalid kernel version: ../x');
  expect(ran).toEqual([]);
  status = 3;
  expect(() => call(['add', '5.4.10'])).toThrow('dracut: Child process exited with code 3');
  expect(existsSync(initramfs())).toBe(false);
});
