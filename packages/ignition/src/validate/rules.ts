import type { Report } from '../report.ts';
import type { Fields, Value } from '../value.ts';

/** Which original is followed: the release that Butane 0.29 carries, or the later one of `ignition-validate`. */
export type Edition = '2.26' | 'next';

export interface RuleContext {
  readonly minor: number;
  readonly edition: Edition;
  readonly report: Report;
}

export type PathOf = readonly (string | number)[];
export type Rule = (value: Fields, path: PathOf, context: RuleContext) => void;
export type ScalarRule = (value: Value, path: PathOf, context: RuleContext) => void;
