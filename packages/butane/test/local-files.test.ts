import { mapFiles, translate } from '@coppice/butane';
import { child, embeddedText, list, text } from '@coppice/ignition';
import { describe, expect, it } from 'vitest';

const head = 'variant: fcos\nversion: 1.5.0\n';
const local = (path: string): string => `${head}storage:\n  files:\n    - path: /a\n      contents: {local: ${path}}\n`;

describe('local files', () => {
  it('come from a function', () => {
    const done = translate(local('x/y'), { resolveFile: (path) => (path === 'x/y' ? 'hello' : undefined) });
    expect(embeddedText(child(list(child(done.config, 'storage'), 'files')[0], 'contents'))).toBe('hello');
    expect(translate(local('z'), { resolveFile: () => undefined }).diagnostics).toMatchObject([
      { code: 'file-error', severity: 'error', line: 6, path: ['storage', 'files', 0, 'contents', 'local'] },
    ]);
  });

  it('need a place to come from', () => {
    expect(translate(local('x')).diagnostics).toMatchObject([{ code: 'files-dir-missing' }]);
  });

  it('come from a map, with trees', () => {
    const files = mapFiles({ 't/b/c': '1', 't/a': '2', other: '3' });
    const done = translate(`${head}storage:\n  trees: [{local: t, path: /x}]\n`, { files });
    expect(list(child(done.config, 'storage'), 'files').map((file) => text(file, 'path'))).toEqual(['/x/a', '/x/b/c']);
    expect(translate(local('../secret'), { files }).diagnostics).toMatchObject([{ code: 'files-dir-escape' }]);
    expect(translate(`${head}storage:\n  trees: [{local: other}]\n`, { files }).diagnostics).toMatchObject([
      { code: 'tree-not-directory' },
    ]);
  });
});
