// `rpm -q --queryformat` and what selects installed packages, ours beside the original's.
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import {
  buildPackage,
  dumpLines,
  FileFlag,
  fileLines,
  formatHeader,
  type Header,
  mergeSignatures,
  namedFormats,
  parseQueryFormat,
  RpmDb,
  readPackage,
  selectPackages,
  Tag,
} from '@coppice/rpm';
import { describe, expect, it } from 'vitest';
import { memoryOutput } from '../../packages/coppice/src/cli/context.ts';
import { run } from '../../packages/coppice/src/coppice/main.ts';
import { call, missing, output, queryPackage, scratch, sharedRpms, withoutShared } from './rpm-support.ts';

const reason = missing('rpm');

const formats =
  'string arraysize base64 date day depflags deptype expand fflags fstate fstatus hex humaniec humansi octal perms permissions pgpsig shescape tagname tagnum triggertype vflags xml'.split(
    ' ',
  );

const merged = (file: string): Header => {
  const pkg = readPackage(file);
  return mergeSignatures(pkg.header, pkg.signature);
};

/** A package with every kind of trigger, script, link, capability and dependency flag. */
function specialPackage(dir: string): string {
  const file = join(dir, 'special.rpm');
  const senses = Array.from({ length: 30 }, (_, bit) => ({
    name: `dep${bit}`,
    evr: '1',
    flags: 8,
    sense: (1 << bit) & ~14,
  }));
  const built = buildPackage({
    name: 'special',
    epoch: 3,
    version: '1~rc1',
    release: "2'x",
    arch: 'noarch',
    summary: "It's <special> & more",
    description: '100 %% sure',
    license: 'MIT',
    vendor: 'Vendor',
    packager: 'Packager',
    url: 'https://example.org/',
    requires: [...senses, '(a or (b and c))'],
    obsoletes: ['old < 1', 'older <= 2', 'newer > 3'],
    conflicts: ['enemy'],
    scripts: {
      pre: 'echo',
      post: { interpreter: '/bin/bash -x', body: 'true' },
      pretrans: { interpreter: '<lua>', body: 'x' },
    },
    triggers: [
      { type: 'in', on: ['bash > 3', 'zsh'], script: 'x' },
      { type: 'un', on: ['fish'], script: 'z' },
      { type: 'postun', on: ['bash <= 2'], script: 'y' },
    ],
    fileTriggers: [
      { type: 'in', on: ['/usr/lib', '/usr/share'], script: 'x' },
      { type: 'un', on: ['/usr/bin'], script: 'y', priority: 5 },
    ],
    transFileTriggers: [{ type: 'postun', on: ['/usr/share/icons'], script: 'x' }],
    changelog: [{ time: 1_577_880_000, author: 'A <a@b.c> - 1-1', text: '- what\n- why' }],
    files: [
      { path: '/usr/bin/one', content: '1', mode: 0o4755 },
      { path: '/usr/bin/two', hardlink: '/usr/bin/one' },
      { path: '/usr/bin/three', target: 'one' },
      { path: '/etc/special.conf', content: 'x', config: 'noreplace' },
      { path: '/usr/share/doc/special', content: 'x', doc: true },
      { path: '/usr/share/special', type: 'directory', mode: 0o1777 },
      { path: '/var/ghost', ghost: true },
    ],
  });
  writeFileSync(file, built.bytes());
  return file;
}

describe.skipIf(reason !== undefined)('query formats', () => {
  it('lists of files, by kind, with states and as ls -l', () => {
    const dir = scratch();
    const now = Math.floor(Date.now() / 1000);
    const file = join(dir, 'listed.rpm');
    const base = { name: 'listed', version: '1', release: '1', arch: 'noarch', summary: 'x', license: 'MIT' };
    const built = buildPackage({
      ...base,
      files: [
        { path: '/a/suid', mode: 0o4755, content: 'aaa', user: 'averylongusername', group: 'verylonggroup' },
        { path: '/a/link', target: 'suid' },
        { path: '/a/hard', hardlink: '/a/suid' },
        { path: '/a/dir', type: 'directory', mode: 0o1777 },
        { path: '/c', config: true, content: 'x', mtime: now - 8_000_000 },
        { path: '/g', ghost: true, config: 'noreplace' },
        { path: '/null', type: 'char', rdev: 259 },
        { path: '/blk', type: 'block', rdev: 2049, mode: 0o2660 },
        { path: '/fifo', type: 'fifo', mode: 0o1600 },
        { path: '/doc', doc: true, content: 'y', mtime: now + 90_000 },
        { path: '/lic', license: true, content: 'y', mtime: now - 300_000_000, mode: 0 },
        { path: '/art', artifact: true, content: 'yyyy' },
      ],
    });
    writeFileSync(file, built.bytes());
    const text = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');
    const { config, doc, license, artifact, ghost } = FileFlag;
    for (const [flags, options] of [
      [['-c'], { only: config }],
      [['-d'], { only: doc }],
      [['-L', '-A'], { only: license | artifact }],
      [['-l', '--noghost'], { without: ghost }],
      [['-l', '--noconfig', '--noartifact'], { without: config | artifact }],
      [['--state'], { states: true }],
      [['-lv'], { longSince: now }],
      [['-cv', '--state'], { only: config, states: true, longSince: now }],
    ] as const)
      for (const path of [file, ...sharedRpms.slice(0, 3)])
        expect(text(fileLines(merged(path), options)), `${flags.join(' ')} ${path}`).toBe(
          queryPackage(path, ...flags).toString(),
        );
    expect(text(dumpLines(merged(file), { only: config }))).toBe(queryPackage(file, '-c', '--dump').toString());
    const last = parseQueryFormat(namedFormats.last);
    expect(formatHeader(merged(file), last).toString()).toBe(queryPackage(file, '--last').toString());
  });

  it('print every tag in every format as rpm does', () => {
    const files = [
      specialPackage(scratch()),
      ...sharedRpms.filter((f) =>
        /(Archer|hello-2.0-1.x86_64-signed|hlinktest-1.0-1.noarch|capstest)[^-]*\.rpm$/.test(f),
      ),
    ];
    const tags = output('rpm', ['--querytags']).toString().trim().split('\n');
    expect(tags.length).toBeGreaterThan(200);
    const all = tags.flatMap((tag) =>
      formats.map((f) => `${tag}:${f} [%{${tag}:${f}}|] %-9{${tag}:${f}}; %{#${tag}} %|${tag}?{y}:{n}|\\n`),
    );
    for (const file of files) {
      const header = merged(file);
      // One argument holds 128 KiB.
      for (let at = 0; at < all.length; at += 800) {
        const format = all.slice(at, at + 800).join('');
        const [ours, theirs] = [formatHeader(header, parseQueryFormat(format)), queryPackage(file, '--qf', format)];
        if (!ours.equals(theirs)) expect(ours.toString('latin1'), basename(file)).toBe(theirs.toString('latin1'));
      }
    }
  });

  it('armor signatures and keys', () => {
    for (const file of sharedRpms.filter((f) => /signed/.test(f) && !/v6|mldsa/.test(f))) {
      const format = '%{RSAHEADER:armor}%{DSAHEADER:armor}%{SIGPGP:armor}%{SIGMD5:armor}%{SIZE:armor}';
      expect(formatHeader(merged(file), parseQueryFormat(format))).toEqual(queryPackage(file, '--qf', format));
    }
  });

  it('read and refuse what rpm reads and refuses', () => {
    const file = specialPackage(scratch());
    const header = merged(file);
    const texts = [
      '%{',
      '%{NAME',
      '%x{NAME}',
      '%',
      '[a',
      'a]',
      'a}',
      '%|NAME',
      '%|NAME?x',
      '%|NAME?{a',
      '%|NAME?{a}x',
      '%|NAME?{a}:x',
      '%|NAME?{a}:{b}x',
      '%{NAME:}',
      '%{}',
      '%{NAME:foo}',
      '%{NOSUCH}',
      '%5%',
      '[%{REQUIRENAME} %{PROVIDENAME}]',
      '%|NAME?{a}|',
      '%|NOSUCH?{a}:{b}|',
      '%|EPOCH?{%{EPOCH}:}|%{VERSION}',
      '[%{=NAME} %{#FILENAMES} %-40{FILENAMES}%10{FILESIZES}|\\n]',
      '[%{NOPATCH}]x',
      '%%\\t\\x\\\\\\"',
      '%{name} %{Name} %{RPMTAG_NAME} %{n}-%{v}-%{r}',
      '[%{*:xml}\\n]',
      '[%{*:tagname} %{*:tagnum}\\n]',
      '%{*:tagname}\\n',
      '[[%{BASENAMES}]]',
      '[%{BASENAMES}%|FILECAPS?{%{FILECAPS}}:{-}|\\n]',
      '[x%{FILENAMES:shescape} %{FILEFLAGS:fflags}\\n]',
      '%{REQUIRENAME}|%{FILENAMES}',
      '%-{NAME}|',
      '%0012{NAME}|',
    ];
    for (const text of texts) {
      const theirs = call('rpm', ['-qp', '--nosignature', '--qf', text, file]);
      let ours: string;
      try {
        ours = formatHeader(header, parseQueryFormat(text)).toString('latin1');
      } catch (error) {
        ours = `error: ${(error as Error).message}\n`;
      }
      const said = theirs.stderr.toString();
      expect(ours, text).toBe(said.startsWith('error: incorrect format') ? said : theirs.stdout.toString('latin1'));
    }
  });
});

describe.skipIf(reason !== undefined || sharedRpms.length === 0)(`wrong packages and formats${withoutShared}`, () => {
  it('get the words and the exit status of rpm', async () => {
    const dir = scratch();
    const junk = join(dir, 'junk');
    writeFileSync(junk, Buffer.alloc(3000, 0x81));
    const [first, second] = sharedRpms;
    for (const [verb, flag, ...args] of [
      ['query', '-qp', junk],
      ['query', '-qp', join(dir, 'none')],
      ['query', '-qp', '--qf=%{name', first!, second!],
      ['query', '-qp', '--qf=%{nosuchtag}', first!, junk],
      ['verify', '-K', join(dir, 'none')],
    ] as [string, string, ...string[]][]) {
      const theirs = call('rpm', [flag, '--nosignature', ...args]);
      const [stdout, stderr] = [memoryOutput(), memoryOutput()];
      const context = { program: 'coppice', env: {}, cwd: dir, stdin: { isTTY: false }, stdout, stderr };
      const ours = args.map((arg) => arg.replace('--qf=', '--queryformat='));
      expect(await run(context, ['rpm', verb, ...ours]), ours.join(' ')).toBe(theirs.status);
      expect(stdout.text + stderr.text, ours.join(' ')).toBe(theirs.stdout.toString() + theirs.stderr.toString());
    }
  });
});

describe.skipIf(reason !== undefined || sharedRpms.length === 0)(
  `queries of installed packages${withoutShared}`,
  () => {
    it('find what rpm finds', () => {
      const dir = scratch();
      const db = join(dir, 'db');
      mkdirSync(db);
      const files = [
        specialPackage(dir),
        ...sharedRpms.filter((f) => /\/(Archer|Rimmer|capstest|foo)-[\d.]+-\d+\.(noarch|x86_64)\.rpm$/.test(f)),
      ];
      output('rpm', [
        '-i',
        '--justdb',
        '--nodeps',
        '--noscripts',
        '--notriggers',
        '--nosignature',
        '--force-debian',
        '--dbpath',
        db,
        ...files,
      ]);
      using open = RpmDb.open(db, { readOnly: true });
      const packages = [...open.packages()];
      expect(packages.length).toBe(files.length);
      const format = '%{DBINSTANCE} %{NEVRA} %{INSTALLCOLOR} [%{INSTFILENAMES} ][%{FILESTATES:fstate} ]\\n';
      const parsed = parseQueryFormat(format);
      const cases = [
        [
          'label',
          [],
          [
            'special',
            'special-1~rc1',
            "special-1~rc1-2'x",
            "special-1~rc1-2'x.noarch",
            'special.noarch',
            'special.x86_64',
            'none',
            'Archer-3.4.5',
          ],
        ],
        ['file', ['-f'], ['/usr/bin/one', '/var/ghost', '/usr/share/special', '/nowhere']],
        ['whatprovides', ['--whatprovides'], ['special', '/usr/bin/two', 'bara', 'nothing']],
        ['triggeredby', ['--triggeredby'], ['bash', 'nothing']],
        ['tid', ['--tid'], [String(packages[0]!.header.getNumber(Tag.InstallTid)), '1']],
        ['instance', ['--querybynumber'], ['1', '2']],
        [
          'pkgid',
          ['--pkgid'],
          [Buffer.from(packages[0]!.header.getBinary(Tag.SigMd5)!).toString('hex'), 'f'.repeat(32)],
        ],
        ['hdrid', ['--hdrid'], [packages[1]!.header.getString(Tag.Sha1Header)!, 'f'.repeat(40)]],
        ['whatrequires', ['--whatrequires'], ['dep5', 'reqa', 'nothing', 'rpmlib(PayloadFilesHavePrefix)']],
        ['whatconflicts', ['--whatconflicts'], ['enemy', 'bba']],
        ['whatobsoletes', ['--whatobsoletes'], ['old', 'aaa']],
        ['whatrecommends', ['--whatrecommends'], ['fooba']],
        ['all', ['-a'], ['*', 's*', 'A?cher', 'x*', '[AB]rcher', 'A.cher', 'Archer-3*', 'name=Arc*', 'version=1*']],
      ] as const;
      for (const [selector, flags, subjects] of cases)
        for (const subject of subjects) {
          const theirs = call('rpm', ['-q', '--dbpath', db, '--qf', format, ...flags, subject]);
          const found = selectPackages(packages, selector, subject);
          const ours = found.map(({ header, hnum }) =>
            formatHeader(header, parsed, { instance: hnum }).toString('latin1'),
          );
          if (theirs.status !== 0) expect(ours, `${selector} ${subject}`).toEqual([]);
          else expect(ours.sort().join(''), `${selector} ${subject}`).toBe(sorted(theirs.stdout.toString('latin1')));
        }
    });

    it('are told of by the command as by rpm', async () => {
      const dir = scratch();
      const root = join(dir, 'root');
      mkdirSync(join(root, 'usr/bin'), { recursive: true });
      symlinkSync('usr/bin', join(root, 'bin'));
      const described = { version: '1', release: '1', arch: 'noarch', summary: 'x', license: 'MIT' } as const;
      const files = [
        {
          name: 'twice',
          requires: ['/bin/sh'],
          scripts: { preun: 'true', postun: 'true' },
          provides: ['/usr/share/made'],
        },
        { name: 'twice-data', changelog: [{ time: 1577880000, author: 'A <a@example.com> - 1-1', text: '- x' }] },
      ].map((more) => {
        const path = join(dir, `${more.name}.rpm`);
        const content = [{ path: `/usr/bin/${more.name}`, content: 'x' }];
        writeFileSync(path, buildPackage({ ...described, files: content, ...more }).bytes());
        return path;
      });
      const install = ['--justdb', '--nodeps', '--noscripts', '--nosignature', '--force-debian', '--ignoreos'];
      output('rpm', ['-i', ...install, '--root', root, '--dbpath', '/usr/share/rpm', ...files]);
      for (const args of [
        ['--whatrequires', '/bin/sh'],
        ['--whatprovides', '/usr/share/made'],
        ['--whatprovides', '/usr/bin/twice', '/usr/bin/none'],
        ['-f', '/bin/twice', '/usr/bin/../bin/twice-data', '/bin', '/nowhere'],
        ['--path', '/usr/share/made'],
        ['-a', '--last'],
        ['--requires', '--provides', 'twice'],
        ['--provides', '--qf', '%{NAME}\\n', '--requires', '-l', 'twice'],
        ['--changes', 'twice-data'],
        ['--querytags'],
        ['--pkgid', '0'],
        ['--tid', 'x'],
        ['--querybynumber', '77'],
        ['-i', 'twice', 'none', 'twice-data'],
      ]) {
        const theirs = call('rpm', ['-q', '--root', root, '--dbpath', '/usr/share/rpm', ...args]);
        const [stdout, stderr] = [memoryOutput(), memoryOutput()];
        const context = { program: 'coppice', env: {}, cwd: dir, stdin: { isTTY: false }, stdout, stderr };
        const status = await run(context, ['rpm', 'query', '--root', root, ...args]);
        expect(stdout.text, args.join(' ')).toBe(theirs.stdout.toString());
        expect(stderr.text, args.join(' ')).toBe(theirs.stderr.toString());
        expect(status, args.join(' ')).toBe(theirs.status);
      }
    });
  },
);

const sorted = (text: string): string => (text.match(/.*\n/g) ?? []).sort().join('');
