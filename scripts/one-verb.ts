// A bundle for one verb of a program: as the program's own, without what only its other verbs need. A start with it saves the
// time that it takes to read code that does not run.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'esbuild';

interface Table {
  /** The program's table of verbs. */
  readonly verbs: string;
  /** Other tables, of which nothing is loaded when one of the verbs is called. */
  readonly others: readonly string[];
  /** Verbs that have bundles; without it all have, and calls without a verb get one that has none. */
  readonly only?: readonly string[];
}

const tables: Readonly<Record<string, Table>> = {
  ostree: { verbs: 'ostree/verbs.ts', others: [] },
  coppice: { verbs: 'coppice/verbs.ts', others: ['programs.ts'], only: ['config', 'explain', 'repo', 'rpm'] },
};

/** Rows of a table of verbs: name and module. */
const rowPattern = /\bname: '([a-z-]+)',[^{}]*?load: \(\) => import\('([^']+)'\)/g;

function rows(source: string, program: string): [name: string, path: string][] {
  const table = tables[program];
  if (table === undefined) return [];
  const text = readFileSync(join(source, table.verbs), 'utf8');
  return Array.from(text.matchAll(rowPattern), ([, name, path]) => [name!, path!]);
}

/** Verbs that have bundles of their own; '' stands for calls without a verb, if these do not need all. */
export function verbsOf(source: string, program: string): string[] {
  const { only } = tables[program] ?? {};
  const names = rows(source, program).map(([name]) => name);
  return only === undefined ? (names.length > 0 ? ['', ...names] : []) : names.filter((name) => only.includes(name));
}

/** An esbuild plugin that leaves all other modules out of the program's tables; `source` is the folder of the programs. */
export function oneVerb(source: string, program: string, verb: string): Plugin {
  const { verbs, others } = tables[program]!;
  const kept = new Map(rows(source, program)).get(verb);
  const table = join(source, verbs);
  const paths = new Set([table, ...others.map((path) => join(source, path))]);
  return {
    name: `one-verb-${verb}`,
    setup(build) {
      build.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        if (!paths.has(path)) return undefined;
        const contents = readFileSync(path, 'utf8').replace(/\bimport\('([^']+)'\)/g, (whole, from: string) =>
          path === table && from === kept ? whole : `Promise.reject(new Error('not in this bundle: ${from}'))`,
        );
        return { contents, loader: 'ts' };
      });
    },
  };
}
