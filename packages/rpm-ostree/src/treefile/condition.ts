// Conditions of `conditional-include`: one variable compared with a value.
import { CoppiceError } from '@coppice/base';
import type { Plain } from './document.ts';

export type Variable = string | number | boolean;

const operators: Readonly<Record<string, (order: number) => boolean>> = {
  '==': (order) => order === 0,
  '!=': (order) => order !== 0,
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
};

/** A value as conditions have it: `true`, `false`, digits, or text in double quotes. */
const pattern = /^\s*([A-Za-z0-9_]+)\s*([^\sA-Za-z0-9_"]+|\S+)\s*(?:(true|false)|(\d+)|"(.*)")\s*$/;

/** Evaluates one `VAR OP VALUE`; throws `Invalid` for an unknown variable, operator or a comparison across types. */
export function evaluateCondition(expression: string, variables: ReadonlyMap<string, Variable>): boolean {
  const match = pattern.exec(expression);
  if (match === null) throw new CoppiceError('Invalid', `invalid condition: ${expression}`);
  const [, name, op, truth, digits, text] = match;
  const holds = Object.hasOwn(operators, op!) ? operators[op!]! : undefined;
  if (holds === undefined) throw new CoppiceError('Invalid', `expected one of ==, !=, >, >=, <, <= but got ${op}`);
  const left = variables.get(name!);
  if (left === undefined) throw new CoppiceError('Invalid', `undefined variable '${name}'`);
  const right = truth !== undefined ? truth === 'true' : digits !== undefined ? Number(digits) : text!;
  if (typeof left !== typeof right) throw new CoppiceError('Invalid', `${name} is not same type as ${String(right)}`);
  if (typeof left === 'number' && typeof right === 'number') return holds(left - right);
  if (op !== '==' && op !== '!=')
    throw new CoppiceError('Invalid', `invalid op for values '${String(left)}' and '${String(right)}'`);
  return holds(left === right ? 0 : 1);
}

/** `if:` holds one expression or a list, all of which must hold; each is looked at, so that none hides a mistake. */
export function conditionHolds(condition: Plain, variables: ReadonlyMap<string, Variable>): boolean {
  const list = Array.isArray(condition) ? condition : [condition];
  return list
    .map((c) => {
      if (typeof c !== 'string') throw new CoppiceError('Invalid', 'invalid condition: expected a string');
      return evaluateCondition(c, variables);
    })
    .every(Boolean);
}
