// The multi-call entry: `main.ts NAME ARGS...`. Each program is loaded when it is called. The build has a loader of its
// own in front of the same programs (bundle-loader.ts).

import { start } from './cli/start.ts';
import { programs } from './programs.ts';

const [name = 'coppice', ...args] = process.argv.slice(2);
await start(name, args, () => (Object.hasOwn(programs, name) ? programs[name]!() : undefined));
