import { child, type Fields, isFields, type Value } from '@coppice/ignition';
import { YamlFault } from './yaml/fault.ts';
import { parseYaml } from './yaml/parser.ts';
import { plainValue } from './yaml/plain.ts';

/** The MachineConfig that a text in JSON or YAML is, with an Ignition config in `spec.config`; undefined when it is none. */
export function readMachineConfig(bytes: Uint8Array): Fields | undefined {
  if (!/kind/.test(new TextDecoder().decode(bytes))) return undefined;
  let value: Value;
  try {
    const root = parseYaml(bytes);
    value = root === undefined ? undefined : plainValue(root);
  } catch (fault) {
    if (fault instanceof YamlFault) return undefined;
    throw fault;
  }
  return isFields(value) && value['kind'] === 'MachineConfig' && isFields(child(value, 'spec')?.['config'])
    ? value
    : undefined;
}
