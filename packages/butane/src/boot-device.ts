import { child, type Fields, isTrue, list, maybeText, type Path, type StructDef, text, texts } from '@coppice/ignition';
import { copyStruct } from './copy.ts';
import type { TranslationState } from './state.ts';
import { mergeTranslated, Translations } from './translations.ts';

const typeGuids = {
  reserved: '8DA63339-0007-60C0-C436-083AC8230908',
  bios: '21686148-6449-6E6F-744E-656564454649',
  prep: '9E1A2D38-C612-4316-AA26-8B49521E5A8B',
  esp: 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B',
} as const;

/** Sizes in MiB of the partitions of the OS image; a mirror's must not be smaller. */
const sizes = { reserved: 1, bios: 1, prep: 4, esp: 127, boot: 384 } as const;

/** The first two partitions of a disk, by architecture. */
const layouts: Readonly<Record<string, readonly [keyof typeof typeGuids, keyof typeof typeGuids]>> = {
  x86_64: ['bios', 'esp'],
  aarch64: ['reserved', 'esp'],
  ppc64le: ['prep', 'reserved'],
};

class Rendering {
  readonly disks: Fields[] = [];
  readonly filesystems: Fields[] = [];
  raid: Fields[] = [];
  luks: Fields[] = [];
  readonly translations: Translations;
  readonly #storage: StructDef;

  constructor(state: TranslationState) {
    this.translations = new Translations(state.translations.enabled);
    this.#storage = state.schema.byName.get('storage')!.type!;
  }

  note(from: Path, kind: 'disks' | 'filesystems' | 'raid', index: number, value: Fields): void {
    this.translations.addTree(from, ['storage', kind, index], value, this.#storage.byName.get(kind)!.type!);
  }

  addFilesystem(from: Path, device: string, format: string, label: string): void {
    const value: Fields = { device, format, label, wipeFilesystem: true };
    this.note(from, 'filesystems', this.filesystems.length, value);
    this.filesystems.push(value);
  }

  get config(): Fields {
    const storage: Fields = { filesystems: this.filesystems };
    if (this.disks.length > 0) storage['disks'] = this.disks;
    if (this.raid.length > 0) storage['raid'] = this.raid;
    if (this.luks.length > 0) storage['luks'] = this.luks;
    return { storage };
  }
}

/** `boot_device`: mirrored and encrypted boot disks as disks, arrays, volumes and filesystems below those of the config. */
export function addBootDevice(state: TranslationState): void {
  const boot = child(state.source, 'boot_device');
  const luks = child(boot, 'luks');
  const cex = isTrue(child(luks, 'cex'), 'enabled');
  const wantLuks = isTrue(luks, 'tpm2') || list(luks, 'tang').length > 0 || cex;
  const devices = texts(child(boot, 'mirror'), 'devices');
  const wantMirror = devices.length > 0;
  if (boot === undefined || (!wantLuks && !wantMirror)) return;
  const rendering = new Rendering(state);
  const layout = maybeText(boot, 'layout');
  if (wantMirror) addMirror(rendering, devices, layouts[layout ?? 'x86_64'] ?? layouts['x86_64']!);
  if (wantLuks) addLuks(rendering, luks!, rootVolume(layout, luks!, wantMirror), cex, state);
  rendering.addFilesystem(['boot_device'], wantLuks ? '/dev/mapper/root' : '/dev/md/md-root', 'xfs', 'root');
  rendering.translations.add(['boot_device'], ['storage', 'filesystems']);
  rendering.translations.add(['boot_device'], ['storage']);
  const merged = mergeTranslated(
    rendering.config,
    rendering.translations,
    state.config,
    state.translations,
    state.schema,
  );
  state.config = merged.config;
  state.translations = merged.translations;
}

function rootVolume(layout: string | undefined, luks: Fields, mirrored: boolean): string {
  if (layout === 's390x-eckd') return `${text(luks, 'device')}2`;
  if (layout === 's390x-zfcp') return `${text(luks, 'device')}4`;
  return mirrored ? '/dev/md/md-root' : '/dev/disk/by-partlabel/root';
}

function addMirror(
  rendering: Rendering,
  devices: readonly string[],
  [first, second]: readonly [keyof typeof typeGuids, keyof typeof typeGuids],
): void {
  for (const [i, device] of devices.entries()) {
    const n = i + 1;
    const from: Path = ['boot_device', 'mirror', 'devices', i];
    const fixed = (kind: keyof typeof typeGuids): Fields => ({
      label: `${kind}-${n}`,
      sizeMiB: sizes[kind],
      typeGuid: typeGuids[kind],
    });
    const disk: Fields = {
      device,
      partitions: [fixed(first), fixed(second), { label: `boot-${n}`, sizeMiB: sizes.boot }, { label: `root-${n}` }],
      wipeTable: true,
    };
    rendering.note(from, 'disks', i, disk);
    rendering.disks.push(disk);
    if (second === 'esp') rendering.addFilesystem(from, `/dev/disk/by-partlabel/esp-${n}`, 'vfat', `esp-${n}`);
  }
  rendering.translations.add(['boot_device', 'mirror', 'devices'], ['storage', 'disks']);
  const members = (label: string): string[] => devices.map((_, i) => `/dev/disk/by-partlabel/${label}-${i + 1}`);
  rendering.raid = [
    // The superblock of the boot array lies at its end, so that a BIOS boot loader need not know about arrays.
    { devices: members('boot'), level: 'raid1', name: 'md-boot', options: ['--metadata=1.0'] },
    { devices: members('root'), level: 'raid1', name: 'md-root' },
  ];
  const from: Path = ['boot_device', 'mirror'];
  rendering.raid.forEach((array, i) => {
    rendering.note(from, 'raid', i, array);
  });
  rendering.translations.add(from, ['storage', 'raid']);
  rendering.addFilesystem(from, '/dev/md/md-boot', 'ext4', 'boot');
}

function addLuks(rendering: Rendering, luks: Fields, device: string, cex: boolean, state: TranslationState): void {
  const from: Path = ['boot_device', 'luks'];
  const to: Path = ['storage', 'luks', 0];
  const inner: TranslationState = { ...state, translations: rendering.translations };
  const part = cex ? 'cex' : 'clevis';
  const type = state.schema.byName.get('storage')!.type!.byName.get('luks')!.type!.byName.get(part)!.type!;
  const value: Fields = cex ? { enabled: true } : copyMethods(luks, type, from, [...to, part], inner);
  rendering.luks = [
    {
      [part]: value,
      device,
      ...(luks['discard'] === undefined ? {} : { discard: luks['discard'] }),
      label: 'luks-root',
      name: 'root',
      wipeVolume: true,
    },
  ];
  if (cex) rendering.translations.add([...from, 'enabled'], [...to, part, 'enabled']);
  rendering.translations.add(from, [...to, part]);
  rendering.translations.add([...from, 'discard'], [...to, 'discard']);
  for (const field of ['device', 'label', 'name', 'wipeVolume']) rendering.translations.add(from, [...to, field]);
  rendering.translations.add(from, to);
  rendering.translations.add(from, ['storage', 'luks']);
}

/** The ways to unlock, as they stand in `boot_device.luks`. */
function copyMethods(luks: Fields, clevis: StructDef, from: Path, to: Path, state: TranslationState): Fields {
  const methods: Fields = {};
  for (const name of ['tang', 'threshold', 'tpm2']) if (luks[name] !== undefined) methods[name] = luks[name];
  return copyStruct(methods, clevis, from, to, state, {});
}
