// Checks of unit files against systemd-analyze: what it refuses (or ignores with a word) we find, and nothing else.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkUnit } from '@coppice/systemd';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const judge = '/usr/bin/systemd-analyze';
let work = '';
beforeAll(() => {
  if (!existsSync(judge) && process.env['CI'] === 'true') throw new Error('systemd-analyze is missing (needs systemd)');
  work = mkdtempSync(join(tmpdir(), 'coppice-units-'));
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

const cases: readonly [name: string, content: string, codes: readonly string[]][] = [
  ['good.service', '[Service]\nExecStart=/bin/true\n', []],
  ['noexec.service', '[Service]\nType=simple\n', ['no-exec']],
  ['nosection.service', '[Unit]\nDescription=x\n', ['no-section']],
  ['many.service', '[Service]\nExecStart=/bin/true\nExecStart=/bin/false\n', ['many-exec']],
  ['reset.service', '[Service]\nExecStart=/bin/true\nExecStart=\nExecStart=/bin/false\n', []],
  ['oneshot.service', '[Service]\nType=oneshot\nExecStart=/bin/true\nExecStart=/bin/false\n', []],
  ['stop.service', '[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStop=/bin/true\n', []],
  ['unknown.service', '[Foo]\nA=b\n[Service]\nExecStart=/bin/true\n', ['unknown-section']],
  ['own.service', '[X-Foo]\nA=b\n[Service]\nExecStart=/bin/true\n', []],
  ['lacks.timer', '[Timer]\nPersistent=true\n', ['no-trigger']],
  ['has.timer', '[Timer]\nOnCalendar=daily\nUnit=good.service\n', []],
  ['lacks.socket', '[Socket]\nAccept=no\n', ['no-trigger']],
  ['lacks.path', '[Path]\nMakeDirectory=yes\n', ['no-trigger']],
  ['has.path', '[Path]\nPathExists=/x\nUnit=good.service\n', []],
  ['wrong.mount', '[Mount]\nWhat=/dev/x\nWhere=/var/b\n', ['mount-name']],
  ['var-b.mount', '[Mount]\nWhat=/dev/x\nWhere=/var/b\n', []],
];

describe.skipIf(!existsSync(judge))('unit checks (skipped without systemd-analyze)', () => {
  it.each(cases)('%s', (name, content, codes) => {
    expect(checkUnit(name, content).map((finding) => finding.code)).toEqual(codes);
    for (const [other, text] of [...cases.filter(([each]) => each === 'good.service'), [name, content]] as const)
      writeFileSync(join(work, other), text);
    const run = spawnSync(judge, ['verify', '--man=no', join(work, name)], { encoding: 'utf8' });
    const said = run.stderr.split('\n').filter((line) => line.includes(name) && /Refusing|Unknown section/.test(line));
    expect(said.length > 0, run.stderr).toBe(codes.length > 0);
  });
});
