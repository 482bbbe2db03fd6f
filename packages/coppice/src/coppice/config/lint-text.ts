import type { Diagnostic } from '@coppice/butane';
import { pathText } from '@coppice/ignition';
import { version } from '../../version.ts';

/** One finding in one line: `file:line:column: severity: message [code] at $.path`. */
export function diagnosticLine(file: string, each: Diagnostic): string {
  const place = each.line === undefined ? file : `${file}:${each.line}:${each.column ?? 1}`;
  const at = each.path.length === 0 ? '' : ` at ${pathText(each.path)}`;
  return `${place}: ${each.severity}: ${each.message} [${each.code}]${at}`;
}

const sarifLevels = { error: 'error', warning: 'warning', info: 'note' } as const;
const githubLevels = { error: 'error', warning: 'warning', info: 'notice' } as const;

/** GitHub's workflow commands, one per finding. */
export function githubLines(file: string, found: readonly Diagnostic[]): string {
  const data = (text: string): string => text.replace(/%/g, '%25').replace(/\r/g, '%0D').replace(/\n/g, '%0A');
  const property = (text: string): string => data(text).replace(/:/g, '%3A').replace(/,/g, '%2C');
  return found
    .map((each) => {
      const place = each.line === undefined ? '' : `,line=${each.line},col=${each.column ?? 1}`;
      return `::${githubLevels[each.severity]} file=${property(file)}${place},title=${property(each.code)}::${data(each.message)}\n`;
    })
    .join('');
}

/** A path as a URI reference: `#` and `?` are part of the name, and a colon in it starts no scheme. */
function fileUri(file: string): string {
  const escaped = encodeURI(file).replace(/[?#]/g, encodeURIComponent);
  return /^[^/]*:/.test(escaped) ? `./${escaped}` : escaped;
}

/** A SARIF 2.1.0 log. */
export function sarifText(file: string, found: readonly Diagnostic[]): string {
  const codes = [...new Set(found.map((each) => each.code))].sort();
  const log = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'coppice config lint',
            version,
            rules: codes.map((id) => {
              const first = found.find((each) => each.code === id);
              return {
                id,
                defaultConfiguration: { level: sarifLevels[first?.severity ?? 'warning'] },
                ...(first?.hint === undefined ? {} : { help: { text: first.hint } }),
              };
            }),
          },
        },
        columnKind: 'unicodeCodePoints',
        results: found.map((each) => ({
          ruleId: each.code,
          ruleIndex: codes.indexOf(each.code),
          level: sarifLevels[each.severity],
          message: { text: each.message },
          locations: [
            {
              physicalLocation: {
                artifactLocation: { uri: fileUri(file) },
                ...(each.line === undefined || each.line < 1
                  ? {}
                  : { region: { startLine: each.line, startColumn: Math.max(1, each.column ?? 1) } }),
              },
              logicalLocations: [{ fullyQualifiedName: pathText(each.path) }],
            },
          ],
        })),
      },
    ],
  };
  return `${JSON.stringify(log, null, 2)}\n`;
}
