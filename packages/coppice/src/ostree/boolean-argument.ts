import { CoppiceError } from '@coppice/base';

/** The value of an option such as --fsync=POLICY. */
export function booleanArgument(text: string): boolean {
  switch (text.toLowerCase()) {
    case '1':
    case 'true':
    case 'yes':
      return true;
    case '0':
    case 'false':
    case 'no':
    case 'none':
      return false;
  }
  throw new CoppiceError('Usage', `Invalid boolean argument '${text}'`);
}
