import { deltaDir, deltaIndexPath, listDeltaIndexes, listDeltas, looseName, type Repo } from '@coppice/ostree';

/** Files that may be copied in any order among themselves, once the stages before are there. */
export interface PublishStage {
  readonly name: string;
  /** The content never changes under the name: the size tells whether it is there. */
  readonly immutable: boolean;
  readonly files: Iterable<string>;
}

/** The files of a repository that readers fetch, stage by stage. */
export function publishOrder(repo: Repo): PublishStage[] {
  const byType = new Map<string, string[]>();
  for (const { checksum, type } of repo.objects()) {
    const list = byType.get(type) ?? [];
    list.push(`objects/${looseName(checksum, type, repo.mode)}`);
    byType.set(type, list);
  }
  const of = (type: string): string[] => byType.get(type) ?? [];
  const deltas = listDeltas(repo).map(({ from, to }) => `deltas/${deltaDir(from, to)}`);
  const partsOf = (dir: string): string[] =>
    repo.fs
      .readdir(`${repo.path}/${dir}`)
      .filter((name) => /^[0-9]+$/.test(name))
      .map((name) => `${dir}/${name}`);
  const present = (path: string): boolean => repo.fs.stat(`${repo.path}/${path}`) !== undefined;
  const refs: string[] = [];
  for (const ref of repo.listRefs(undefined, { excludeRemotes: true }).keys()) refs.push(repo.refFile(ref));
  return [
    { name: 'content', immutable: true, files: of('file') },
    { name: 'directory metadata', immutable: true, files: of('dirmeta') },
    { name: 'trees', immutable: true, files: of('dirtree') },
    { name: 'signatures', immutable: false, files: of('commitmeta') },
    { name: 'commits', immutable: true, files: of('commit') },
    { name: 'delta parts', immutable: false, files: deltas.flatMap(partsOf) },
    { name: 'deltas', immutable: false, files: deltas.map((dir) => `${dir}/superblock`) },
    { name: 'delta indexes', immutable: false, files: listDeltaIndexes(repo).map(deltaIndexPath) },
    { name: 'config', immutable: false, files: ['config'] },
    { name: 'refs', immutable: false, files: refs },
    { name: 'summary', immutable: false, files: ['summary'].filter(present) },
    { name: 'summary signature', immutable: false, files: ['summary.sig'].filter(present) },
  ];
}
