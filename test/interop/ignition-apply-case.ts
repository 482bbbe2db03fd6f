// What a case of the apply engine is: a config, and the tree that it is applied to.

export interface Setup {
  /** Without login.defs and the defaults of useradd. */
  readonly bare?: true;
  readonly links?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string>>;
  readonly directories?: readonly string[];
  /** Hard links: new name to old name. */
  readonly hard?: Readonly<Record<string, string>>;
  readonly modes?: Readonly<Record<string, number>>;
  readonly owners?: Readonly<Record<string, number>>;
  /** Extended attributes by path and name; values as setfattr reads them. */
  readonly attributes?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

export type Case = readonly [name: string, config: object, setup?: Setup];

/** Lines of `deep`, compressed. */
export const gzip = 'data:;base64,H4sIAAAAAAAC/0pJTS3gGgYEIAAA//9EDFQ1yAAAAA==';
