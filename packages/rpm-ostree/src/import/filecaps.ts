// File capabilities: the text form of RPM headers (cap_from_text) to the bytes of the security.capability attribute
// (struct vfs_cap_data, revision 2, linux/capability.h).
import { CoppiceError } from '@coppice/base';

const names = [
  'chown',
  'dac_override',
  'dac_read_search',
  'fowner',
  'fsetid',
  'kill',
  'setgid',
  'setuid',
  'setpcap',
  'linux_immutable',
  'net_bind_service',
  'net_broadcast',
  'net_admin',
  'net_raw',
  'ipc_lock',
  'ipc_owner',
  'sys_module',
  'sys_rawio',
  'sys_chroot',
  'sys_ptrace',
  'sys_pacct',
  'sys_admin',
  'sys_boot',
  'sys_nice',
  'sys_resource',
  'sys_time',
  'sys_tty_config',
  'mknod',
  'lease',
  'audit_write',
  'audit_control',
  'setfcap',
  'mac_override',
  'mac_admin',
  'syslog',
  'wake_alarm',
  'block_suspend',
  'audit_read',
  'perfmon',
  'bpf',
  'checkpoint_restore',
];

interface CapabilitySets {
  effective: bigint;
  inheritable: bigint;
  permitted: bigint;
}

function capabilityMask(list: string): bigint {
  if (list === '' || list === 'all') return (1n << BigInt(names.length)) - 1n;
  let mask = 0n;
  for (const word of list.split(',')) {
    const name = word.toLowerCase().replace(/^cap_/, '');
    const bit = names.indexOf(name);
    if (bit < 0) throw new CoppiceError('Invalid', `unknown capability ${JSON.stringify(word)}`);
    mask |= 1n << BigInt(bit);
  }
  return mask;
}

/** Reads libcap's text, e.g. `cap_net_raw,cap_net_admin=ep` or `= cap_chown+ep`; throws `Invalid`. */
export function parseCapabilities(text: string): CapabilitySets {
  const sets: CapabilitySets = { effective: 0n, inheritable: 0n, permitted: 0n };
  for (const clause of text
    .trim()
    .split(/\s+/)
    .filter((c) => c !== '')) {
    const match = /^([A-Za-z0-9_,]*)((?:[=+-][eip]*)+)$/.exec(clause);
    if (match === null) throw new CoppiceError('Invalid', `not a capability clause: ${JSON.stringify(clause)}`);
    const mask = capabilityMask(match[1]!);
    for (const action of match[2]!.matchAll(/([=+-])([eip]*)/g)) {
      const [, operator, flags] = action;
      for (const [flag, key] of [
        ['e', 'effective'],
        ['i', 'inheritable'],
        ['p', 'permitted'],
      ] as const) {
        const named = flags!.includes(flag);
        if (operator === '=') sets[key] = named ? sets[key] | mask : sets[key] & ~mask;
        else if (named && operator === '+') sets[key] |= mask;
        else if (named) sets[key] &= ~mask;
      }
    }
  }
  return sets;
}

/** Value of `security.capability`: 20 bytes, little endian, revision 2; undefined when no capability is set. */
export function encodeFileCapabilities(text: string): Uint8Array | undefined {
  const sets = parseCapabilities(text);
  if (sets.effective === 0n && sets.inheritable === 0n && sets.permitted === 0n) return undefined;
  const out = new DataView(new ArrayBuffer(20));
  out.setUint32(0, 0x02000000 | (sets.effective === 0n ? 0 : 1), true);
  out.setUint32(4, Number(sets.permitted & 0xffffffffn), true);
  out.setUint32(8, Number(sets.inheritable & 0xffffffffn), true);
  out.setUint32(12, Number((sets.permitted >> 32n) & 0xffffffffn), true);
  out.setUint32(16, Number((sets.inheritable >> 32n) & 0xffffffffn), true);
  return new Uint8Array(out.buffer);
}
