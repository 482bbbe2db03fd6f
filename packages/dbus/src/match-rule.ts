// Match rules (D-Bus specification, "Match Rules"): which signals the bus is to send here.
import type { DBusMessage } from './message.ts';

/** What a message must have; absent keys match all. */
export interface MatchRule {
  readonly type?: 'signal' | 'method_call' | 'method_return' | 'error';
  /** A bus name; signals carry the unique name of its owner, so this is left to the bus when it is a well-known name. */
  readonly sender?: string;
  readonly interface?: string;
  readonly member?: string;
  readonly path?: string;
  readonly pathNamespace?: string;
  readonly arg0?: string;
}

const ruleTypes = { call: 'method_call', return: 'method_return', error: 'error', signal: 'signal' } as const;

/** The text of a rule: values in apostrophes, which themselves stand outside as `\'`. */
export function matchRuleText(rule: MatchRule): string {
  return Object.entries(rule)
    .map(([key, value]) => {
      const name = key === 'pathNamespace' ? 'path_namespace' : key;
      return `${name}='${String(value).replaceAll("'", "'\\''")}'`;
    })
    .join(',');
}

/** Whether a message that came in is one that the rule asks for. */
export function matches(rule: MatchRule, message: DBusMessage): boolean {
  if (rule.type !== undefined && rule.type !== ruleTypes[message.type]) return false;
  if (rule.sender?.startsWith(':') && rule.sender !== message.sender) return false;
  if (rule.interface !== undefined && rule.interface !== message.interface) return false;
  if (rule.member !== undefined && rule.member !== message.member) return false;
  if (rule.path !== undefined && rule.path !== message.path) return false;
  if (rule.arg0 !== undefined && (message.signature[0] !== 's' || rule.arg0 !== message.body[0])) return false;
  const space = rule.pathNamespace;
  if (space === undefined || space === '/') return true;
  return message.path === space || message.path?.startsWith(`${space}/`) === true;
}
