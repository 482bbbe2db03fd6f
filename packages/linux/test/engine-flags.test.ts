import { describe, expect, it } from 'vitest';
import { setEngineFlags } from '../src/index.ts';

describe('flags of the engine', () => {
  it('hold from when they are set', () => {
    const native = (): unknown => new Function('return %IsSameHeapObject({}, {})')();
    expect(native).toThrow(SyntaxError);
    setEngineFlags('--allow-natives-syntax');
    try {
      expect(native()).toBe(false);
    } finally {
      setEngineFlags('--no-allow-natives-syntax');
    }
    expect(native).toThrow(SyntaxError);
  });
});
