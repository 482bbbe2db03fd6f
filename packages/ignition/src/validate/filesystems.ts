import type { IgnitionCode } from '../messages-table.ts';
import { type Finding, finding } from '../report.ts';
import { byteLength, type Fields, isTrue, text, texts } from '../value.ts';
import { optionalPathFinding, pathFinding } from './paths.ts';
import type { Rule } from './rules.ts';

/** Longest label in bytes, by format. */
const labelLimits: Readonly<Record<string, readonly [number, IgnitionCode]>> = {
  ext4: [16, 'filesystem-label-ext4'],
  btrfs: [256, 'filesystem-label-btrfs'],
  xfs: [12, 'filesystem-label-xfs'],
  swap: [15, 'filesystem-label-swap'],
  vfat: [11, 'filesystem-label-vfat'],
};

export const filesystem: Rule = (value, path, { minor, edition, report }) => {
  const format = text(value, 'format');
  const virtiofs = format === 'virtiofs' && minor >= 7 && edition === 'next';
  report.errorIf([...path, 'path'], optionalPathFinding(text(value, 'path')));
  report.errorIf(
    [...path, 'device'],
    virtiofs ? tagFinding(text(value, 'device')) : pathFinding(text(value, 'device')),
  );
  report.errorIf([...path, 'format'], formatFinding(value, format, minor, virtiofs));
  report.errorIf([...path, 'label'], labelFinding(value, format, virtiofs));
  if (!virtiofs) return;
  if (text(value, 'uuid') !== '') report.error([...path, 'uuid'], 'format-without-uuid');
  if (isTrue(value, 'wipeFilesystem')) report.error([...path, 'wipeFilesystem'], 'format-without-wipe');
  if (texts(value, 'options').length > 0) report.error([...path, 'options'], 'format-without-options');
};

function tagFinding(tag: string): Finding | undefined {
  if (tag === '') return finding('device-missing');
  return byteLength(tag) > 36 ? finding('virtiofs-tag-long') : undefined;
}

function formatFinding(value: Fields, format: string, minor: number, virtiofs: boolean): Finding | undefined {
  if (format === '') {
    const others =
      text(value, 'path') !== '' ||
      text(value, 'label') !== '' ||
      text(value, 'uuid') !== '' ||
      isTrue(value, 'wipeFilesystem') ||
      texts(value, 'mountOptions').length > 0 ||
      texts(value, 'options').length > 0;
    return others ? finding('filesystem-format-missing') : undefined;
  }
  if (Object.hasOwn(labelLimits, format) || virtiofs || (format === 'none' && minor >= 3)) return undefined;
  return finding('filesystem-format');
}

function labelFinding(value: Fields, format: string, virtiofs: boolean): Finding | undefined {
  const label = text(value, 'label');
  if (label === '') return undefined;
  if (format === '') return finding('filesystem-label-format');
  if (virtiofs) return finding('virtiofs-label');
  const limit = Object.hasOwn(labelLimits, format) ? labelLimits[format] : undefined;
  return limit !== undefined && byteLength(label) > limit[0] ? finding(limit[1]) : undefined;
}
