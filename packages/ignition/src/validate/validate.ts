import type { Report } from '../report.ts';
import { configSchema } from '../types-table.ts';
import type { Fields } from '../value.ts';
import { walk } from '../walk.ts';
import { device, disk, partition, raid } from './disks.ts';
import { filesystem } from './filesystems.ts';
import { config, ignition, ignitionConfig, proxy, tls } from './ignition.ts';
import { clevisCustom, luks, tang } from './luks.ts';
import { directory, file, link, owner, storage } from './nodes.ts';
import { caReference, httpHeader, resource, verification } from './resource.ts';
import type { Edition, PathOf, Rule, ScalarRule } from './rules.ts';
import { dropin, systemd, unit } from './units.ts';

/** The rules of each type; a type that is absent has none. */
const rules: Readonly<Record<string, Rule>> = {
  CaReference: caReference,
  ClevisCustom: clevisCustom,
  Config: config,
  ConfigReference: resource,
  Custom: clevisCustom,
  Directory: directory,
  Disk: disk,
  Dropin: dropin,
  File: file,
  FileContents: resource,
  Filesystem: filesystem,
  HTTPHeader: httpHeader,
  Ignition: ignition,
  IgnitionConfig: ignitionConfig,
  Link: link,
  Luks: luks,
  NodeGroup: owner,
  NodeUser: owner,
  Partition: partition,
  Proxy: proxy,
  Raid: raid,
  Resource: resource,
  Storage: storage,
  Systemd: systemd,
  TLS: tls,
  Tang: tang,
  Unit: unit,
  Verification: verification,
};

const scalarRules: Readonly<Record<string, ScalarRule>> = { Device: device };

/**
 * Checks a config of minor version 0 to 7 against the rules of its spec and adds what is wrong to `report`, in the
 * original's order: a struct before its fields, fields in order of declaration. `prefix` is where the config sits.
 */
export function validateConfig(
  value: Fields,
  minor: number,
  report: Report,
  edition: Edition,
  prefix: PathOf = [],
): void {
  const context = { minor, edition, report };
  walk(value, configSchema(minor), prefix, {
    struct(fields, type, path) {
      rules[type.name]?.(fields, path, context);
    },
    scalar(item, field, path) {
      scalarRules[field.goName]?.(item, path, context);
    },
  });
}

/** The rules of the `ignition` section alone. */
export function validateIgnitionSection(value: Fields, minor: number, report: Report, edition: Edition): void {
  const section = configSchema(minor).byName.get('ignition')!.type!;
  const context = { minor, edition, report };
  walk(value, section, [], {
    struct(fields, type, path) {
      rules[type.name]?.(fields, path, context);
    },
  });
}
