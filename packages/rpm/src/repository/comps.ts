import { CoppiceError } from '@coppice/base';
import { parseXml, type XmlElement } from '../repodata/xml-document.ts';

export interface CompsGroup {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly default: boolean;
  readonly visible: boolean;
  readonly packages: readonly {
    readonly name: string;
    readonly type: 'mandatory' | 'default' | 'optional' | 'conditional';
    /** The package a conditional one goes with. */
    readonly requires: string | undefined;
  }[];
}

export interface CompsEnvironment {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly groups: readonly string[];
  readonly optional: readonly string[];
}

export interface Comps {
  readonly groups: readonly CompsGroup[];
  readonly environments: readonly CompsEnvironment[];
}

/** The element that has no language. */
const plain = (parent: XmlElement, name: string): string =>
  parent
    .all(name)
    .find((e) => e.attributes['xml:lang'] === undefined)
    ?.text.trim() ?? '';

const packageTypes = ['mandatory', 'default', 'optional', 'conditional'] as const;

/** Groups and environments of a comps document. Throws `Invalid`. */
export function parseComps(bytes: Uint8Array): Comps {
  const root = parseXml(bytes, 'comps.xml');
  if (root.name !== 'comps') throw new CoppiceError('Invalid', 'comps.xml: no <comps> element');
  const truth = (value: string, fallback: boolean): boolean => (value === '' ? fallback : value === 'true');
  return {
    groups: root.all('group').map((group) => ({
      id: plain(group, 'id'),
      name: plain(group, 'name'),
      description: plain(group, 'description'),
      default: truth(plain(group, 'default'), false),
      visible: truth(plain(group, 'uservisible'), true),
      packages: (group.child('packagelist')?.all('packagereq') ?? []).map((req) => ({
        name: req.text.trim(),
        type: packageTypes.find((t) => t === req.attributes['type']) ?? 'mandatory',
        requires: req.attributes['requires'],
      })),
    })),
    environments: root.all('environment').map((environment) => ({
      id: plain(environment, 'id'),
      name: plain(environment, 'name'),
      description: plain(environment, 'description'),
      groups:
        environment
          .child('grouplist')
          ?.all('groupid')
          .map((g) => g.text.trim()) ?? [],
      optional:
        environment
          .child('optionlist')
          ?.all('groupid')
          .map((g) => g.text.trim()) ?? [],
    })),
  };
}
