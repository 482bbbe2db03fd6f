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
  /** Tables of sub-verbs, of which `VERB SUBVERB` loads one row. */
  readonly groups?: readonly string[];
  /** Verbs that have bundles, and the modules of the tables that they need; without it all have. */
  readonly only?: Readonly<Record<string, readonly string[]>>;
}

/** In place of a verb: calls that have options only, such as --version. */
const noVerb = '--';

const tables: Readonly<Record<string, Table>> = {
  ostree: { verbs: 'ostree/verbs.ts', others: [] },
  coppice: {
    verbs: 'coppice/verbs.ts',
    others: ['programs.ts'],
    groups: ['coppice/repo/index.ts'],
    only: {
      [noVerb]: [],
      config: ['./config/index.ts'],
      explain: ['./explain/index.ts'],
      repo: ['./repo/index.ts'],
      'repo create': ['./repo/index.ts', './create.ts'],
      rpm: ['./rpm/index.ts'],
    },
  },
  'rpm-ostree': {
    verbs: 'rpm-ostree/verbs-table.ts',
    others: [],
    only: {
      [noVerb]: [],
      db: ['./db-diff.ts', './db-list.ts', './db-version.ts'],
      status: ['./status.ts'],
    },
  },
};

/** Rows of a table of verbs: name and module. */
const rowPattern = /\bname: '([a-z-]+)',[^{}]*?load: \(\) => import\('([^']+)'\)/g;

/** Verbs with bundles of their own, and their modules. */
function modulesOf(source: string, program: string): ReadonlyMap<string, readonly string[]> {
  const table = tables[program];
  if (table === undefined) return new Map();
  if (table.only !== undefined) return new Map(Object.entries(table.only));
  const rows = readFileSync(join(source, table.verbs), 'utf8').matchAll(rowPattern);
  return new Map(Array.from(rows, ([, name, path]) => [name!, [path!]]));
}

/** Verbs that have bundles of their own, and `--`; '' for all other calls, if these need no verb because each has its own. */
export function verbsOf(source: string, program: string): string[] {
  const names = [...modulesOf(source, program).keys()];
  return names.length === 0 || names.includes(noVerb) ? names : ['', ...names];
}

/** An esbuild plugin that leaves all other modules out of the program's tables; `source` is the folder of the programs. */
export function oneVerb(source: string, program: string, verb: string): Plugin {
  const { verbs, others, groups = [] } = tables[program]!;
  const kept = modulesOf(source, program).get(verb) ?? [];
  const table = join(source, verbs);
  const pruned = new Set([table, ...(verb.includes(' ') ? groups.map((path) => join(source, path)) : [])]);
  const paths = new Set([...pruned, ...others.map((path) => join(source, path))]);
  return {
    name: `one-verb-${verb.replace(' ', '-')}`,
    setup(build) {
      build.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        if (!paths.has(path)) return undefined;
        const contents = readFileSync(path, 'utf8').replace(/\bimport\('([^']+)'\)/g, (whole, from: string) =>
          pruned.has(path) && kept.includes(from) ? whole : `Promise.reject(new Error('not in this bundle: ${from}'))`,
        );
        return { contents, loader: 'ts' };
      });
    },
  };
}
