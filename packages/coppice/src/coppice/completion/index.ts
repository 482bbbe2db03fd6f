import { CoppiceError } from '@coppice/base';
import type { VerbFamily } from '../verbs.ts';
import { complete, completed } from './complete.ts';
import { joinWords } from './words.ts';

// The first word of the line may be a path (`bin/ostree`); its last part says which program it is.
const ask = `$(coppice completion --words -- "\${COMP_WORDS[0]##*/}" "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)`;
const scripts: Readonly<Record<string, string>> = {
  bash: `_coppice() {
  local IFS=$'\\n'
  COMPREPLY=(${ask})
  [[ \${COMPREPLY[0]} == *= ]] && compopt -o nospace
}
complete -o default -F _coppice ${completed.join(' ')}
`,
  zsh: `autoload -U +X bashcompinit && bashcompinit
_coppice() {
  local IFS=$'\\n'
  COMPREPLY=(${ask})
}
complete -o default -o nospace -F _coppice ${completed.join(' ')}
`,
  fish: completed
    .map(
      (program) =>
        `complete -c ${program} -a '(coppice completion --words -- ${program} (commandline -opc)[2..] (commandline -ct))'\n`,
    )
    .join(''),
};

/** `coppice completion SHELL`: a script to evaluate, that lets the shell complete verbs, options and names. */
export const define: VerbFamily['define'] = (command, context) => {
  command
    .argument('[shell-or-words...]', 'bash, zsh or fish; with --words: the program, then its words up to the cursor')
    .option('--words', 'print what the last word may become, one a line')
    .action(async (given: string[], options: { words?: boolean }) => {
      if (options.words) {
        const [program = '', ...words] = given;
        const { joined, cut } = joinWords(words);
        for (const word of await complete(context, program, joined)) context.stdout.write(`${word.slice(cut)}\n`);
        return;
      }
      const script = given.length === 1 && Object.hasOwn(scripts, given[0]!) ? scripts[given[0]!] : undefined;
      if (script === undefined) throw new CoppiceError('Usage', 'say which shell: bash, zsh or fish');
      context.stdout.write(script);
    });
};
