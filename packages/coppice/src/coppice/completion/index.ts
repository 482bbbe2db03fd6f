import { CoppiceError } from '@coppice/base';
import { completeOstree } from '../../ostree/complete.ts';
import type { VerbFamily } from '../verbs.ts';
import { joinWords } from './words.ts';

const scripts: Readonly<Record<string, string>> = {
  bash: `_coppice_ostree() {
  local IFS=$'\\n'
  COMPREPLY=($(coppice completion --words -- ostree "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
  [[ \${COMPREPLY[0]} == *= ]] && compopt -o nospace
}
complete -o default -F _coppice_ostree ostree
`,
  zsh: `autoload -U +X bashcompinit && bashcompinit
_coppice_ostree() {
  local IFS=$'\\n'
  COMPREPLY=($(coppice completion --words -- ostree "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -o nospace -F _coppice_ostree ostree
`,
  fish: `complete -c ostree -a '(coppice completion --words -- ostree (commandline -opc)[2..] (commandline -ct))'
`,
};

/** `coppice completion SHELL`: a script to evaluate, that lets the shell complete verbs, options, refs and remotes of `ostree`. */
export const define: VerbFamily['define'] = (command, context) => {
  command
    .argument('[shell-or-words...]', 'bash, zsh or fish; with --words: the program, then its words up to the cursor')
    .option('--words', 'print what the last word may become, one a line')
    .action(async (given: string[], options: { words?: boolean }) => {
      if (options.words) {
        const [program, ...words] = given;
        if (program !== 'ostree') return;
        const { joined, cut } = joinWords(words);
        for (const word of await completeOstree(context, joined)) context.stdout.write(`${word.slice(cut)}\n`);
        return;
      }
      const script = given.length === 1 && Object.hasOwn(scripts, given[0]!) ? scripts[given[0]!] : undefined;
      if (script === undefined) throw new CoppiceError('Usage', 'say which shell: bash, zsh or fish');
      context.stdout.write(script);
    });
};
