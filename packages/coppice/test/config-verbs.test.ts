import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Ajv } from 'ajv';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Context, memoryOutput } from '../src/cli/context.ts';
import { run } from '../src/coppice/main.ts';

const root = resolve(import.meta.dirname, '../../..');
let work = '';
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'coppice-config-'));
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

async function coppice(...args: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  const stdout = memoryOutput();
  const stderr = memoryOutput();
  const context: Context = { program: 'coppice', env: {}, cwd: work, stdin: { isTTY: false }, stdout, stderr };
  const status = await run(context, args);
  return { status, stdout: stdout.text, stderr: stderr.text };
}
const put = (name: string, text: string): string => {
  writeFileSync(join(work, name), text);
  return name;
};
const head = 'variant: fcos\nversion: 1.6.0\n';
const file = (inline: string): string =>
  `${head}storage:\n  files:\n    - path: /etc/a\n      mode: 0644\n      contents: {inline: ${JSON.stringify(inline)}}\n`;

describe('coppice config', () => {
  it('decompiles', async () => {
    const path = put(
      'x.ign',
      '{"ignition":{"version":"3.5.0"},"storage":{"files":[{"path":"/a","mode":384,"contents":{"source":"data:,x"}}]}}',
    );
    const done = await coppice('config', 'decompile', path);
    expect(done).toEqual({
      status: 0,
      stderr: '',
      stdout: `${head}storage:\n  files:\n    - path: /a\n      mode: 0600\n      contents:\n        inline: x\n`,
    });
    const other = await coppice('config', 'decompile', '--variant', 'fiot', path);
    expect(other.stdout).toContain('variant: fiot');
  });

  it('shows what would change', async () => {
    const done = await coppice('config', 'diff', '--content', put('a.bu', file('one\n')), put('b.bu', file('two\n')));
    expect(done.status).toBe(1);
    expect(done.stdout).toContain('~ file /etc/a (contents): needs a reboot\n');
    expect(done.stdout).toContain('    -one\n    +two\n');
    expect(await coppice('config', 'diff', 'a.bu', 'a.bu')).toMatchObject({
      status: 0,
      stdout: 'no difference on a node\n',
    });
    expect(JSON.parse((await coppice('config', 'diff', '--json', 'a.bu', 'b.bu')).stdout)).toMatchObject({
      need: 'reboot',
    });
  });

  it('previews the tree', async () => {
    const path = put(
      'p.bu',
      `${head}passwd:\n  users: [{name: core, ssh_authorized_keys: [k]}]\nstorage:\n  links: [{path: /etc/l, target: /x}]\nsystemd:\n  units:\n    - {name: a.service, enabled: true}\n    - {name: b.service, mask: true}\n`,
    );
    const { stdout } = await coppice('config', 'preview', '--content', path);
    expect(stdout).toContain('/etc/l -> /x');
    expect(stdout).toContain('/etc/systemd/system/b.service -> /dev/null');
    expect(stdout).toContain('    enable a.service');
    expect(stdout).toContain('/home/core/.ssh/authorized_keys.d/ignition');
  });

  it('takes MachineConfigs, with what stands beside their config', async () => {
    const text = (more: string): string =>
      `variant: openshift\nversion: 4.16.0\nmetadata: {name: n, labels: {machineconfiguration.openshift.io/role: r}}\nopenshift: {kernel_arguments: [a=b], ${more}}\nstorage: {files: [{path: /run/a, contents: {inline: x}}]}\n`;
    const butane = put('o.bu', text('fips: false'));
    const { translate } = await import('@coppice/butane');
    const yaml = put('o.yaml', translate(text('fips: false')).ignition!);
    expect((await coppice('config', 'diff', butane, yaml)).stdout).toBe('no difference on a node\n');
    const other = put('p.bu', text('fips: true, kernel_type: realtime'));
    expect((await coppice('config', 'diff', yaml, other)).stdout).toContain(
      'node setting fips (value): needs a re-provision',
    );
    expect((await coppice('config', 'diff', yaml, other)).stdout).toContain(
      '+ node setting kernelType: needs a reboot',
    );
    const preview = (await coppice('config', 'preview', yaml)).stdout;
    expect(preview).toContain('kernel argument a=b present=true\n');
    expect(preview).toContain('node setting fips value=false\n');
    expect((await coppice('config', 'lint', yaml)).stdout).toBe(
      'o.yaml: warning: /run is emptied at every boot [path-volatile] at $.spec.config.storage.files.0.path\n',
    );
    await expect(coppice('config', 'decompile', butane)).rejects.toThrow('o.bu is a Butane config already');
  });

  it('checks in all formats', async () => {
    const path = put('l.bu', file('AKIAABCDEFGHIJKLMNOP'));
    expect(await coppice('config', 'lint', path)).toEqual({
      status: 0,
      stderr: '',
      stdout:
        'l.bu:7:17: warning: looks like a secret in plain text (an access key of AWS) [secret-token] at $.storage.files.0.contents\n',
    });
    expect((await coppice('config', 'lint', '--strict', path)).status).toBe(1);
    expect((await coppice('config', 'lint', '--disable', 'secret-token', path)).stdout).toBe('');
    expect((await coppice('config', 'lint', '-f', 'github', path)).stdout).toMatch(
      /^::warning file=l\.bu,line=7,col=17,/,
    );
    const sarif = JSON.parse((await coppice('config', 'lint', '-f', 'sarif', path)).stdout);
    expect(sarif.runs[0].results[0]).toMatchObject({ ruleId: 'secret-token', ruleIndex: 0, level: 'warning' });
    await expect(coppice('config', 'lint', '-f', 'xml', path)).rejects.toThrow('unknown format xml');
  });

  it('prints SARIF that its readers take', async () => {
    const text = (type: object): object => ({ type: 'object', required: ['text'], properties: { text: type } });
    const level = { enum: ['none', 'note', 'warning', 'error'] };
    // What SARIF 2.1.0 asks of the parts that are used.
    const schema = {
      required: ['version', 'runs'],
      properties: {
        $schema: { type: 'string', format: 'uri' },
        version: { const: '2.1.0' },
        runs: {
          type: 'array',
          items: {
            required: ['tool', 'results'],
            additionalProperties: false,
            properties: {
              columnKind: { enum: ['utf16CodeUnits', 'unicodeCodePoints'] },
              tool: {
                required: ['driver'],
                properties: {
                  driver: {
                    required: ['name', 'rules'],
                    additionalProperties: false,
                    properties: {
                      name: { type: 'string' },
                      version: { type: 'string' },
                      rules: {
                        type: 'array',
                        uniqueItems: true,
                        items: {
                          required: ['id'],
                          additionalProperties: false,
                          properties: {
                            id: { type: 'string' },
                            help: text({ type: 'string', minLength: 1 }),
                            defaultConfiguration: { properties: { level } },
                          },
                        },
                      },
                    },
                  },
                },
              },
              results: {
                type: 'array',
                items: {
                  required: ['message', 'ruleId', 'ruleIndex', 'level'],
                  properties: {
                    level,
                    message: text({ type: 'string', minLength: 1 }),
                    ruleIndex: { type: 'integer', minimum: 0 },
                    locations: {
                      items: {
                        properties: {
                          physicalLocation: {
                            required: ['artifactLocation'],
                            properties: {
                              artifactLocation: {
                                properties: { uri: { type: 'string', pattern: '^(\\./)?[^:#?\\s]+$' } },
                              },
                              region: {
                                required: ['startLine'],
                                properties: {
                                  startLine: { type: 'integer', minimum: 1 },
                                  startColumn: { type: 'integer', minimum: 1 },
                                },
                              },
                            },
                          },
                        },
                      },
                    },
                  },
                },
              },
            },
          },
        },
      },
    };
    const check = new Ajv({ strict: false, validateFormats: false }).compile(schema);
    for (const name of ['l.bu', 'a b#1?.bu']) {
      const path = put(name, file('#!/bin/sh\nSECRET_KEY=abcdefgh\n'));
      const log = JSON.parse((await coppice('config', 'lint', '-f', 'sarif', path)).stdout);
      expect(check(log), JSON.stringify(check.errors)).toBe(true);
      const [run] = log.runs;
      expect(run.results.length).toBe(2);
      for (const result of run.results) expect(run.tool.driver.rules[result.ruleIndex].id).toBe(result.ruleId);
      expect(decodeURIComponent(run.results[0].locations[0].physicalLocation.artifactLocation.uri)).toBe(name);
    }
  });

  it('prints JSON as its schemas say', async () => {
    const one = put('one.bu', file('SECRET_KEY=abcdefgh'));
    const two = put(
      'two.bu',
      `${file('x')}  disks: [{device: /dev/vdb, partitions: [{number: 1, label: data, size_mib: 100}]}]\n  links: [{path: /l, target: x}]\npasswd: {users: [{name: core, uid: 1001, ssh_authorized_keys: [ssh-rsa A]}]}\nkernel_arguments: {should_exist: [a]}\n`,
    );
    for (const [name, ...args] of [
      ['lint', '-f', 'json', one],
      ['diff', '--json', one, two],
      ['diff', '--json', two, two],
      ['preview', '--json', two],
    ] as const) {
      const schema = JSON.parse((await coppice('config', 'schema', name)).stdout);
      const check = new Ajv({ allErrors: true, allowUnionTypes: true }).compile(schema);
      const value = JSON.parse((await coppice('config', name, ...args)).stdout);
      expect(check(value), JSON.stringify(check.errors)).toBe(true);
      expect(check([{ code: 1 }])).toBe(false);
    }
    expect((await coppice('config', 'preview', two)).stdout).toContain('\n  partition 1 data, 100 MiB\n');
  });

  it('splits a config into a pointer and a payload', async () => {
    const done = await coppice(
      'config',
      'lint',
      '--split',
      'https://x.example/c',
      '--payload',
      'c.ign',
      put('s.bu', file('x')),
    );
    const pointer = JSON.parse(done.stdout);
    expect(pointer.ignition.config.replace.source).toBe('https://x.example/c');
    const { createHash } = await import('node:crypto');
    const digest = createHash('sha512')
      .update(readFileSync(join(work, 'c.ign')))
      .digest('hex');
    expect(pointer.ignition.config.replace.verification.hash).toBe(`sha512-${digest}`);
  });

  it('explains every code it lists', async () => {
    const list = (await coppice('explain')).stdout.trim().split('\n');
    expect(list.length).toBeGreaterThan(150);
    for (const line of list.filter((_, i) => i % 10 === 0)) {
      const code = line.split(':')[0]!;
      expect((await coppice('explain', code)).stdout).toContain(`${code}: `);
    }
    await expect(coppice('explain', 'toString')).rejects.toThrow('no such code');
  });

  it('serves what was saved last', async () => {
    const path = join(work, put('w.bu', file('one')));
    const child = spawn(
      process.execPath,
      [
        '--conditions=source',
        join(root, 'packages/coppice/src/main.ts'),
        'coppice',
        'config',
        'serve',
        '--watch',
        path,
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let output = '';
    const heard = (text: string): Promise<void> =>
      new Promise((done) => {
        const look = (): void => {
          if (output.includes(text)) done();
        };
        child.stdout.on('data', look);
        look();
      });
    child.stdout.on('data', (data) => {
      output += String(data);
    });
    try {
      await heard('config.ign\n');
      const url = output.trim();
      expect(await (await fetch(url)).text()).toContain('data:,one');
      writeFileSync(path, 'variant: fcos\n');
      writeFileSync(path, file('two'));
      await heard('rendered');
      const second = await fetch(url);
      expect(second.headers.get('content-type')).toBe('application/vnd.coreos.ignition+json');
      expect(await second.text()).toContain('data:,two');
      expect((await fetch(new URL('/other', url))).status).toBe(404);
    } finally {
      child.kill('SIGTERM');
    }
    expect(await new Promise((done) => child.once('exit', done))).toBe(0);
  });
});
