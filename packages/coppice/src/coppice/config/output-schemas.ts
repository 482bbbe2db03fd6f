// JSON Schemas (draft 7) of what the sub-verbs print as JSON. New fields may come; those listed stay as they are.

const draft = 'http://json-schema.org/draft-07/schema#';
const string = { type: 'string' };
const needs = { enum: ['nothing', 'reboot', 're-provision'] };
const kinds = {
  enum: [
    'reference',
    'setting',
    'node setting',
    'kernel argument',
    'disk',
    'array',
    'encrypted device',
    'file system',
    'group',
    'user',
    'directory',
    'file',
    'link',
    'unit',
    'drop-in',
  ],
};

function object(required: Readonly<Record<string, unknown>>, optional: Readonly<Record<string, unknown>> = {}): object {
  return { type: 'object', required: Object.keys(required), properties: { ...required, ...optional } };
}
const list = (items: unknown): object => ({ type: 'array', items });

const outputs: Readonly<Record<string, readonly [title: string, schema: object]>> = {
  lint: [
    'Findings of coppice config lint --format json',
    list(
      object(
        {
          code: string,
          severity: { enum: ['error', 'warning', 'info'] },
          message: string,
          path: list({ type: ['string', 'integer'] }),
        },
        { line: { type: 'integer', minimum: 1 }, column: { type: 'integer', minimum: 1 }, hint: string },
      ),
    ),
  ],
  diff: [
    'Changes of coppice config diff --json',
    object({
      need: needs,
      changes: list(
        object({
          change: { enum: ['added', 'removed', 'changed'] },
          kind: kinds,
          name: string,
          fields: list(string),
          need: needs,
        }),
      ),
    }),
  ],
  preview: [
    'What a config makes, of coppice config preview --json',
    object({
      tree: list(
        object(
          { path: string, type: { enum: ['directory', 'file', 'link'] }, mode: string, owner: string, note: string },
          { size: { type: 'integer', minimum: 0 }, content: string },
        ),
      ),
      other: list(object({ kind: kinds, name: string, value: { type: 'object' } })),
    }),
  ],
};

export const outputNames: readonly string[] = Object.keys(outputs);

/** The schema of a sub-verb's JSON; undefined for other names. */
export function outputSchema(name: string): object | undefined {
  if (!Object.hasOwn(outputs, name)) return undefined;
  const [title, schema] = outputs[name]!;
  return { $schema: draft, title, ...schema };
}
