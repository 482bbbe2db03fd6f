// modules.yaml: modulemd documents, their defaults, and which packages they hide.
import { CoppiceError, messageOf } from '@coppice/base';
import { type Document, parseAllDocuments } from 'yaml';

export interface ModuleStream {
  readonly name: string;
  readonly stream: string;
  readonly version: string;
  readonly context: string;
  readonly arch: string;
  readonly summary: string;
  readonly profiles: Readonly<Record<string, readonly string[]>>;
  /** `NAME-EPOCH:VERSION-RELEASE.ARCH` of every package built in it. */
  readonly artifacts: readonly string[];
  /** Streams of other modules it runs with: name to streams, `-x` excluded, empty for any. One alternative is enough. */
  readonly requires: readonly Readonly<Record<string, readonly string[]>>[];
}

export interface ModuleDefaults {
  readonly module: string;
  readonly stream: string | undefined;
  readonly profiles: Readonly<Record<string, readonly string[]>>;
}

export interface Modules {
  readonly streams: readonly ModuleStream[];
  readonly defaults: readonly ModuleDefaults[];
}

type Fields = Record<string, unknown>;
const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
const textOf = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : '';
const textsOf = (value: unknown): string[] => (Array.isArray(value) ? value.map(textOf) : []);

function streamOf(data: Fields): ModuleStream {
  const profiles = Object.entries(fieldsOf(data['profiles'])).map(
    ([name, profile]) => [name, textsOf(fieldsOf(profile)['rpms'])] as const,
  );
  const dependencies = Array.isArray(data['dependencies']) ? data['dependencies'] : [];
  return {
    name: textOf(data['name']),
    stream: textOf(data['stream']),
    version: textOf(data['version']),
    context: textOf(data['context']),
    arch: textOf(data['arch']),
    summary: textOf(data['summary']),
    profiles: Object.fromEntries(profiles),
    artifacts: textsOf(fieldsOf(data['artifacts'])['rpms']),
    requires: dependencies.map((d) =>
      Object.fromEntries(
        Object.entries(fieldsOf(fieldsOf(d)['requires'])).map(([name, streams]) => [name, textsOf(streams)]),
      ),
    ),
  };
}

/** The documents one after the other: the trees of all of them would take many times the room of what is kept. */
function* documentsOf(text: string): Generator<Document.Parsed> {
  for (const piece of text.split(/^(?=---(?:\s|$))/m)) {
    // Everything is text here: stream 1.10 is no number.
    const parsed = parseAllDocuments(piece, { schema: 'failsafe', logLevel: 'silent' });
    if (Array.isArray(parsed)) yield* parsed;
  }
}

/** Reads a multi-document modules.yaml; documents of other kinds are passed over. Throws `Invalid`. */
export function parseModules(text: string): Modules {
  const streams: ModuleStream[] = [];
  const defaults: ModuleDefaults[] = [];
  for (const document of documentsOf(text)) {
    if (document.errors.length > 0) {
      const why = messageOf(document.errors[0]);
      throw new CoppiceError('Invalid', `modules.yaml: ${/call stack/.test(why) ? 'nested too deeply' : why}`);
    }
    let root: Fields;
    try {
      root = fieldsOf(document.toJS({ maxAliasCount: 100 }));
    } catch (error) {
      // Aliases without an anchor, or far too many of them.
      throw new CoppiceError('Invalid', `modules.yaml: ${messageOf(error)}`);
    }
    const data = fieldsOf(root['data']);
    if (root['document'] === 'modulemd') streams.push(streamOf(data));
    else if (root['document'] === 'modulemd-defaults') {
      const stream = textOf(data['stream']);
      const profiles = Object.entries(fieldsOf(data['profiles'])).map(([name, list]) => [name, textsOf(list)] as const);
      defaults.push({
        module: textOf(data['module']),
        stream: stream === '' ? undefined : stream,
        profiles: Object.fromEntries(profiles),
      });
    }
  }
  return { streams, defaults };
}
