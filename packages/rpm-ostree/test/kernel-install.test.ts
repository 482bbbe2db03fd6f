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
let watch: (program: string) => void;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'coppice-kernel-install-'));
  ran = [];
  said = [];
  status = 0;
  watch = () => {};
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
      watch(program);
      const at = words.indexOf('-f');
      if (at >= 0 && status === 0) writeFileSync(words[at + 1]!, 'image');
      return status;
    },
    print: (line) => said.push(line),
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

it('leaves other layouts alone, and names what cannot be', () => {
  expect(call(['add', '5.4.10'], {})).toBe(0);
  expect(call(['add', '5.4.10'], { KERNEL_INSTALL_LAYOUT: 'bls' })).toBe(0);
  expect(said).toEqual([]);
  expect(call(['inspect'])).toBe(0);
  expect(() => call(['add'])).toThrow('Adding kernel: No kernel version provided');
  expect(() => call(['add', '../x'])).toThrow('Invalid kernel version: ../x');
  expect(ran).toEqual([]);
  status = 3;
  expect(() => call(['add', '5.4.10'])).toThrow('dracut: Child process exited with code 3');
  expect(existsSync(initramfs())).toBe(false);
});

it('lets dracut see the real systemctl, and puts its stand-in back whatever comes', () => {
  put('usr/bin/systemctl', 'stand-in');
  put('usr/bin/systemctl.rpmostreesave', 'real');
  const text = (name: string): string => readFileSync(join(root, 'usr/bin', name), 'utf8');
  const during: string[] = [];
  watch = (program) => during.push(`${program}: ${text('systemctl')}`);
  expect(call(['add', '5.4.10'])).toBe(77);
  expect(during).toEqual(['dracut: real', 'depmod: stand-in']);
  status = 1;
  expect(() => call(['add', '5.4.10'])).toThrow('dracut');
  expect([text('systemctl'), text('systemctl.rpmostreesave')]).toEqual(['stand-in', 'real']);
});
