import { CoppiceError } from '@coppice/base';
import {
  child,
  configSchema,
  entryLine,
  type Fields,
  failureText,
  list,
  mergeConfigs,
  parseConfig,
  specVersions,
  text,
  upgradeConfig,
} from '@coppice/ignition';
import { type FetchSource, readResource } from './source.ts';

const latest = specVersions.length - 1;
/** Configs that refer to configs, at most so deep. */
const maxDepth = 16;

/** Reads a config text of any version into the latest one. Throws `Invalid` with all errors of its report. */
export function readConfig(bytes: Uint8Array): Fields {
  const parsed = parseConfig(bytes);
  if (parsed.failure !== undefined) throw new CoppiceError('Invalid', failureText(parsed.failure));
  if (parsed.config === undefined || parsed.report.fatal)
    throw new CoppiceError('Invalid', `config is not valid\n${parsed.report.entries.map(entryLine).join('\n')}`);
  return upgradeConfig(parsed.config, parsed.minor!, latest);
}

/** The config with its `replace` and `merge` references fetched, checked and merged in, the referred one winning. */
export async function renderConfig(config: Fields, fetch: FetchSource, depth = 0): Promise<Fields> {
  if (depth > maxDepth) throw new CoppiceError('Limit', `configs refer to each other more than ${maxDepth} deep`);
  const references = child(child(config, 'ignition'), 'config');
  const replace = child(references, 'replace');
  if (text(replace, 'source') !== '')
    return await renderConfig(readConfig(await readResource(replace!, fetch)), fetch, depth + 1);
  let merged = config;
  for (const reference of list(references, 'merge')) {
    const other = await renderConfig(readConfig(await readResource(reference, fetch)), fetch, depth + 1);
    merged = mergeConfigs(merged, other, configSchema(latest));
  }
  return merged;
}
