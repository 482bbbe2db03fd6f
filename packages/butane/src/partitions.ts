import { child, type Fields, isTrue, list, maybeInt, maybeText, type Path } from '@coppice/ignition';
import { report } from './messages-table.ts';
import type { TranslationState } from './state.ts';

/** Numbers that the partitions of the OS image have. */
const reserved: Readonly<Record<string, number>> = {
  'BIOS-BOOT': 1,
  'PowerPC-PReP-boot': 1,
  'EFI-SYSTEM': 2,
  boot: 3,
  root: 4,
};

/** The root partition in MiB below which updates run out of space. */
const rootMinimum = 8192;

/** Warnings about partitions of the boot disk: room for root, and labels that belong to the image. */
export function checkPartitions(state: TranslationState, rootSize: boolean): void {
  list(child(state.config, 'storage'), 'disks').forEach((disk, i) => {
    const partitions = list(disk, 'partitions');
    partitions.forEach((partition, p) => {
      const label = maybeText(partition, 'label');
      if (label === undefined) return;
      const at: Path = ['storage', 'disks', i, 'partitions', p];
      if (rootSize && label === 'root') checkRootSize(partition, partitions.toSpliced(p, 1), at, state);
      if (isTrue(disk, 'wipeTable') || !Object.hasOwn(reserved, label)) return;
      if ((maybeInt(partition, 'number') ?? 0) !== reserved[label])
        report(state.outputReport, 'warning', [...at, 'label'], 'partition-reserved-label');
    });
  });
}

function checkRootSize(root: Fields, others: readonly Fields[], at: Path, state: TranslationState): void {
  const size = maybeInt(root, 'sizeMiB') ?? 0;
  if (size === 0) {
    if (others.some((other) => (maybeInt(other, 'startMiB') ?? 0) === 0))
      report(state.outputReport, 'warning', [...at, 'label'], 'partition-root-constrained');
  } else if (size < rootMinimum) report(state.outputReport, 'warning', [...at, 'size_mib'], 'partition-root-small');
}
