import { parseSemver, resolveSchema, type Semver, semverText, text } from '@coppice/ignition';
import { findSpec, type Spec } from './versions-table.ts';
import { decodeYaml } from './yaml/decode.ts';
import { YamlFault } from './yaml/fault.ts';
import type { YamlNode } from './yaml/node.ts';

const commonFields = resolveSchema(
  [{ goPackage: 'config', version: 0, types: { commonFields: { version: 'string', variant: 'string' } } }],
  'commonFields',
);

/** The spec that a document asks for, or the message that ends the translation. */
export function findDocumentSpec(root: YamlNode | undefined): Spec | string {
  let header: { variant: string; version: string } = { variant: '', version: '' };
  if (root !== undefined) {
    try {
      const { value, errors } = decodeYaml(root, commonFields);
      if (errors.length > 0) return `Error unmarshaling yaml: ${unmarshalErrors(errors)}`;
      header = { variant: text(value, 'variant'), version: text(value, 'version') };
    } catch (fault) {
      if (fault instanceof YamlFault) return `Error unmarshaling yaml: yaml: ${fault.message}`;
      throw fault;
    }
  }
  if (header.variant === '') return 'error parsing variant; must be specified';
  const version: Semver | undefined = parseSemver(header.version);
  if (version === undefined) return 'error parsing version; must be a valid semver';
  if (header.variant === 'rhcos' && semverText(version) === '0.1.0')
    return 'rhcos variant has been removed; use openshift variant instead';
  return (
    findSpec(header.variant, semverText(version)) ??
    `No translator exists for variant ${header.variant} with version ${semverText(version)}`
  );
}

export function unmarshalErrors(errors: readonly string[]): string {
  return `yaml: unmarshal errors:\n  ${errors.join('\n  ')}`;
}
