// Speed of the config translator: configs per second, one large config, and the cold start of the command.
//   node --conditions=source bench/butane.ts [--dist DIR]
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { translateBytes } from '@coppice/butane';

const { values } = parseArgs({ options: { dist: { type: 'string' } } });
const root = join(import.meta.dirname, '..');

function smallConfig(n: number): string {
  return `variant: fcos
version: 1.6.0
passwd:
  users:
    - name: core
      ssh_authorized_keys: [ssh-ed25519 AAAA${n} user@host${n}]
storage:
  files:
    - path: /etc/hostname
      mode: 0644
      contents:
        inline: host-${n}
    - path: /etc/app/${n}.conf
      mode: 0600
      contents:
        inline: |
          # Settings of application ${n}
          listen = 0.0.0.0:${8000 + (n % 1000)}
          workers = ${n % 17}
          log = /var/log/app-${n}.log
systemd:
  units:
    - name: app-${n}.service
      enabled: true
      contents: |
        [Unit]
        Description=Application ${n}
        After=network-online.target
        [Service]
        ExecStart=/usr/bin/app --number ${n}
        [Install]
        WantedBy=multi-user.target
`;
}

function largeConfig(files: number): string {
  const parts = ['variant: fcos\nversion: 1.6.0\nstorage:\n  files:\n'];
  for (let n = 0; n < files; n++)
    parts.push(
      `    - path: /var/data/${n % 100}/${n}.txt\n      mode: 0644\n      user: {name: core}\n      contents:\n        inline: |\n          line one of file ${n}\n          line two, which is a bit longer and says ${n * 7919} and then some more\n          line three of file ${n} ends here\n`,
    );
  return parts.join('');
}

const encoder = new TextEncoder();
const configs = Array.from({ length: 1000 }, (_, n) => encoder.encode(smallConfig(n)));
for (const config of configs.slice(0, 50)) translateBytes(config);
/** Milliseconds of processor time, all threads; says more than the wall clock on a busy machine. */
const processor = (): number => {
  const used = process.cpuUsage();
  return (used.user + used.system) / 1000;
};
let used = processor();
let start = performance.now();
for (const config of configs) if (translateBytes(config).output === undefined) throw new Error('a config failed');
const each = performance.now() - start;
console.log(
  `1,000 distinct configs: ${each.toFixed(0)} ms, ${Math.round(1000 / (each / 1000))} configs/s (processor ${(processor() - used).toFixed(0)} ms)`,
);

const large = encoder.encode(largeConfig(20_000));
used = processor();
start = performance.now();
const done = translateBytes(large);
const took = performance.now() - start;
console.log(
  `${(large.length / 1e6).toFixed(1)} MB, 20,000 files: ${took.toFixed(0)} ms (processor ${(processor() - used).toFixed(0)} ms), ${((done.output?.length ?? 0) / 1e6).toFixed(1)} MB out, peak ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MB`,
);

/** Best of some runs, in milliseconds. */
function best(command: string, args: readonly string[], env: NodeJS.ProcessEnv): number {
  let least = Number.POSITIVE_INFINITY;
  for (let n = 0; n < 15; n++) {
    const from = performance.now();
    const run = spawnSync(command, args, { env, stdio: 'ignore' });
    if (run.status !== 0) return Number.NaN;
    least = Math.min(least, performance.now() - from);
  }
  return least;
}

const scratch = mkdtempSync(join(tmpdir(), 'coppice-bench-'));
const file = join(scratch, 'in.bu');
writeFileSync(file, smallConfig(1));
const bare = best(process.execPath, ['-e', '0'], process.env);
const dist = values.dist ?? join(root, 'packages/coppice/dist/cli');
if (existsSync(join(dist, 'stamp'))) {
  const cold = best(join(root, 'bin/butane'), [file], { ...process.env, COPPICE_DIST: dist });
  console.log(
    `cold start: butane ${cold.toFixed(0)} ms, bare node ${bare.toFixed(0)} ms, ratio ${(cold / bare).toFixed(2)}`,
  );
} else console.log(`bare node ${bare.toFixed(0)} ms; no build at ${dist} to start`);
rmSync(scratch, { recursive: true });
