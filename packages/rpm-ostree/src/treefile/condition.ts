// `conditional-include: {if: releasever >= 40, include: ...}`.
import { CoppiceError } from '@coppice/base';
import type { Plain } from './document.ts';

export type Variable = string | number | boolean;

const operators = ['==', '!=', '<=', '>=', '<', '>'] as const;

function literal(text: string): Variable {
  if (text === 'true') return true;
  if (text === 'false') return false;
  if (/^-?\d+$/.test(text)) return Number(text);
  const quoted = /^(["'])(.*)\1$/.exec(text);
  return quoted === null ? text : quoted[2]!;
}

/** Evaluates one `VAR OP VALUE`; throws `Invalid` for an unknown variable, operator or a comparison across types. */
export function evaluateCondition(expression: string, variables: ReadonlyMap<string, Variable>): boolean {
  const match = /^\s*([A-Za-z_][A-Za-z0-9_]*)\s*(==|!=|<=|>=|<|>)\s*(.+?)\s*$/.exec(expression);
  if (match === null || !operators.includes(match[2] as (typeof operators)[number]))
    throw new CoppiceError('Invalid', `Invalid condition: ${expression}`);
  const left = variables.get(match[1]!);
  if (left === undefined)
    throw new CoppiceError('Invalid', `Variable '${match[1]}' not found in condition: ${expression}`);
  const right = literal(match[3]!);
  if (typeof left !== typeof right)
    throw new CoppiceError('Invalid', `Cannot compare ${typeof left} and ${typeof right} in condition: ${expression}`);
  switch (match[2]) {
    case '==':
      return left === right;
    case '!=':
      return left !== right;
  }
  if (typeof left === 'boolean')
    throw new CoppiceError('Invalid', `Booleans can only be compared for equality: ${expression}`);
  switch (match[2]) {
    case '<':
      return left < right;
    case '<=':
      return left <= right;
    case '>':
      return left > right;
    default:
      return left >= right;
  }
}

/** `if:` holds one expression or a list, all of which must hold. */
export function conditionHolds(condition: Plain, variables: ReadonlyMap<string, Variable>): boolean {
  const list = Array.isArray(condition) ? condition : [condition];
  return list.every((c) => {
    if (typeof c !== 'string') throw new CoppiceError('Invalid', 'Invalid condition: expected a string');
    return evaluateCondition(c, variables);
  });
}
