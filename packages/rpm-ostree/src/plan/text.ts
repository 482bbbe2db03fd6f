// A plan for people.
import { formatSize } from '@coppice/ostree';
import { formatNevra } from '../nevra.ts';
import { formatPackageDiff } from '../pkgdiff.ts';
import type { Plan } from './model.ts';

const reboots: Readonly<Record<Plan['reboot'], string>> = {
  needed: 'needed',
  live: 'not needed: rpm-ostree apply-live can add this to the running system',
  none: 'not needed: nothing changes',
};

/** The whole text; `files` lists every changed path. */
export function formatPlan(plan: Plan, options: { readonly files?: boolean } = {}): string {
  const out: string[] = [`Plan: ${plan.title}`];
  const version = (checksum: string, text: string | undefined): string => text ?? checksum.slice(0, 12);
  if (plan.base.from === plan.base.to) out.push(`Base: ${version(plan.base.to, plan.base.toVersion)} (unchanged)`);
  else
    out.push(
      `Base: ${version(plan.base.from, plan.base.fromVersion)} -> ${version(plan.base.to, plan.base.toVersion)}`,
    );
  if (plan.obstacles.length > 0) {
    out.push('', 'This cannot be done:');
    for (const o of plan.obstacles) {
      out.push(`  ${o.request}`);
      for (const r of o.reasons) out.push(`    ${r}`);
      if (o.remedies.length > 0) out.push('    Any of these would resolve it:');
      for (const r of o.remedies) out.push(`      ${r}`);
    }
    return `${out.join('\n')}\n`;
  }
  const diff = formatPackageDiff(plan.packages).trimEnd();
  out.push(diff === '' ? 'Packages: no change' : diff);
  if (plan.downloads.length > 0) {
    out.push(`Downloads: ${plan.downloads.length} (${formatSize(plan.disk.download)})`);
    for (const d of plan.downloads) out.push(`  ${formatNevra(d.nevra)} from ${d.repo} (${formatSize(d.size)})`);
  }
  out.push(`Files: ${plan.files.added} added, ${plan.files.modified} modified, ${plan.files.removed} removed`);
  if (options.files === true)
    for (const p of plan.paths) out.push(`  ${{ added: '+', removed: '-', modified: '~' }[p.change]} ${p.path}`);
  if (plan.units.length > 0) {
    out.push('Units:');
    for (const u of plan.units) out.push(`  ${u.change}: ${u.path.split('/').at(-1)}`);
  }
  if (plan.scripts.length > 0) out.push(`Scripts: ${plan.scripts.join(' ')}`);
  if (plan.etcConflicts.length > 0) {
    out.push('Changed here and in the new default (yours stays):');
    for (const p of plan.etcConflicts) out.push(`  ${p}`);
  }
  if (plan.kernel.from !== plan.kernel.to)
    out.push(`Kernel: ${plan.kernel.from ?? 'none'} -> ${plan.kernel.to ?? 'none'}`);
  out.push(`Kernel arguments: ${plan.kernelArguments.join(' ')}`);
  out.push(`Disk: about ${formatSize(plan.disk.objects)} needed, ${formatSize(plan.disk.free)} free`);
  if (plan.advisories.length > 0) {
    out.push('Advisories:');
    for (const a of plan.advisories)
      out.push(`  ${a.id} ${a.kind}${a.severity === 'none' ? '' : ` (${a.severity})`}: ${a.packages.join(', ')}`);
  }
  out.push(`Reboot: ${reboots[plan.reboot]}`);
  return `${out.join('\n')}\n`;
}

/** The plan as JSON, packages as NEVRA texts. */
export function planJson(plan: Plan): Record<string, unknown> {
  const change = (c: { from: Parameters<typeof formatNevra>[0]; to: Parameters<typeof formatNevra>[0] }) => ({
    from: formatNevra(c.from),
    to: formatNevra(c.to),
  });
  return {
    title: plan.title,
    base: plan.base,
    packages: {
      upgraded: plan.packages.upgraded.map(change),
      downgraded: plan.packages.downgraded.map(change),
      removed: plan.packages.removed.map(formatNevra),
      added: plan.packages.added.map(formatNevra),
    },
    downloads: plan.downloads.map((d) => ({ package: formatNevra(d.nevra), repository: d.repo, size: d.size })),
    files: { ...plan.files, paths: plan.paths },
    etcConflicts: plan.etcConflicts,
    units: plan.units,
    scripts: plan.scripts,
    kernel: plan.kernel,
    kernelArguments: plan.kernelArguments,
    disk: plan.disk,
    advisories: plan.advisories,
    reboot: plan.reboot,
    obstacles: plan.obstacles,
  };
}
