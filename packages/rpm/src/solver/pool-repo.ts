/** A repository in the pool. Higher `priority` wins before versions are compared, `subpriority` only among equal ones. */
export class PoolRepo {
  readonly solvables: number[] = [];
  readonly index: number;
  readonly name: string;
  priority: number;
  subpriority: number;

  constructor(index: number, name: string, priority: number, subpriority: number) {
    this.index = index;
    this.name = name;
    this.priority = priority;
    this.subpriority = subpriority;
  }
}
