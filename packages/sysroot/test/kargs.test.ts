import { KernelArguments, splitKernelArguments } from '@coppice/sysroot';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

// Expected values were seen with ostree 2022.7 (`admin deploy --karg...`, then the entry's options).
describe('kernel arguments', () => {
  it('keeps order, repeats and the difference between no value and an empty one', () => {
    const kargs = new KernelArguments();
    kargs.appendAll(['a=1', 'b', 'a=2', 'b', 'c=', 'q="x y"', 'a']);
    expect(kargs.toString()).toBe('a=1 b a=2 b c= q="x y" a');
  });

  it('replaces all values at the place of the first', () => {
    const kargs = KernelArguments.parse('a=1 b a=2 b c= a');
    kargs.replace('a=9');
    expect(kargs.toString()).toBe('a=9 b b c=');
    kargs.replace('new');
    expect(kargs.toString()).toBe('a=9 b b c= new');
  });

  it('deletes by key, by value, and tells when that is not possible', () => {
    const kargs = KernelArguments.parse('a=9 b b c= z= z console=x console=y');
    kargs.delete('b');
    expect(kargs.toString()).toBe('a=9 b c= z= z console=x console=y');
    kargs.delete('c');
    kargs.delete('z');
    expect(kargs.toString()).toBe('a=9 b z= console=x console=y');
    kargs.delete('z=');
    expect(() => kargs.delete('nosuch')).toThrow("No key 'nosuch' found");
    expect(() => kargs.delete('console')).toThrow("Multiple values for key 'console' found");
    expect(() => kargs.delete('console=w')).toThrow("No karg 'console=w' found");
    kargs.delete('console=y');
    expect(kargs.toString()).toBe('a=9 b console=x');
    kargs.deleteIfPresent('nosuch');
  });

  it('replaces one of several values', () => {
    const kargs = KernelArguments.parse('a=1 a=2 b=3');
    kargs.replaceValue('b=4');
    kargs.replaceValue('a=2=5');
    expect(kargs.toString()).toBe('a=1 a=5 b=4');
    expect(() => kargs.replaceValue('a=6')).toThrow("Multiple values for key 'a' found");
    expect(() => kargs.replaceValue('x=6')).toThrow("No key 'x' found");
  });

  it('appends what is missing by key only', () => {
    const kargs = KernelArguments.parse('u=1');
    kargs.appendIfMissing('u=3');
    kargs.appendIfMissing('v=3');
    expect(kargs.toString()).toBe('u=1 v=3');
  });

  it('leaves out what a boot loader adds', () => {
    expect(KernelArguments.fromProcCmdline('BOOT_IMAGE=/vmlinuz root=/dev/sda initrd=x quiet\n').toString()).toBe(
      'root=/dev/sda quiet',
    );
  });

  it('keeps quoted spaces together where asked to', () => {
    expect(splitKernelArguments('a="x y" b', true)).toEqual(['a="x y"', 'b']);
    expect(splitKernelArguments('a="x y" b')).toEqual(['a="x', 'y"', 'b']);
  });

  it('prints what it read', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(KernelArguments.parse(text).toString()).toBe(text);
        // Newer releases do not print empty arguments.
        const words = splitKernelArguments(text, true).filter((word) => word !== '');
        expect(KernelArguments.parse(text, true).toArray()).toEqual(words);
      }),
      { seed: 1 },
    );
  });
});
