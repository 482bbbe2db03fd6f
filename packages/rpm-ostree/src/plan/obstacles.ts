// When layering does not resolve: which request it is, the shortest reason, and commands that would get past it.
import { isCoppiceError, messageOf } from '@coppice/base';
import { type ResolveInput, resolvePackages } from '../client/resolve.ts';
import { formatNevra } from '../nevra.ts';
import type { Origin } from '../origin.ts';
import type { Obstacle } from './model.ts';

function reasonsOf(error: unknown): string[] {
  if (isCoppiceError(error) && Array.isArray(error.data['problems']))
    return (error.data['problems'] as readonly (readonly string[])[]).flat();
  return messageOf(error)
    .split('\n')
    .map((l) => l.trim())
    .filter((l) => l !== '' && !l.startsWith('Could not depsolve'));
}

function works(input: ResolveInput, origin: Origin): boolean {
  try {
    resolvePackages({ ...input, origin, message: () => {} });
    return true;
  } catch {
    return false;
  }
}

/** Tries each request alone and all others without it; `layered` are those already deployed. Empty when everything resolves. */
export function findObstacles(input: ResolveInput, layered: readonly string[]): Obstacle[] {
  const { origin } = input;
  if (works(input, origin)) return [];
  const out: Obstacle[] = [];
  for (const request of origin.packages) {
    const alone: Origin = { ...origin, packages: [request] };
    const others: Origin = { ...origin, packages: origin.packages.filter((p) => p !== request) };
    const aloneWorks = works(input, alone);
    const othersWork = works(input, others);
    if (aloneWorks && !othersWork) continue;
    let reasons: string[] = ['conflicts with another request'];
    try {
      resolvePackages({ ...input, origin: aloneWorks ? origin : alone, message: () => {} });
    } catch (error) {
      reasons = reasonsOf(error);
    }
    out.push({
      request,
      reasons,
      remedies: [
        ...(layered.includes(request) ? [`rpm-ostree uninstall ${request}`] : []),
        ...(reasons.some((r) => /Packages not found|nothing provides/.test(r))
          ? ['rpm-ostree cleanup -m && rpm-ostree refresh-md']
          : []),
        ...(layered.includes(request) && othersWork && !aloneWorks
          ? [`rpm-ostree upgrade --uninstall=${request}`]
          : []),
      ],
    });
  }
  for (const name of origin.removals) {
    if (works(input, { ...origin, removals: origin.removals.filter((n) => n !== name) }))
      out.push({
        request: name,
        reasons: ['removing it from the base breaks other packages'],
        remedies: [`rpm-ostree override reset ${name}`],
      });
  }
  for (const c of input.localReplacements) {
    const rest = { ...input, localReplacements: input.localReplacements.filter((x) => x !== c) };
    if (works(rest, origin))
      out.push({
        request: formatNevra(c.nevra),
        reasons: ['the replacement does not fit the new base'],
        remedies: [`rpm-ostree override reset ${c.nevra.name}`],
      });
  }
  if (out.length === 0) {
    let reasons: string[] = [];
    try {
      resolvePackages({ ...input, message: () => {} });
    } catch (error) {
      reasons = reasonsOf(error);
    }
    out.push({ request: origin.packages.join(' '), reasons, remedies: ['rpm-ostree reset --overlays'] });
  }
  return out;
}

/** Files that two packages have differently: the one whose turn it was is named by the message. */
export function conflictObstacle(origin: Origin, layered: readonly string[], message: string): Obstacle {
  const [, name] = /^Checking out package ([^:]+): /.exec(message) ?? [];
  const request = name ?? origin.packages.join(' ');
  return {
    request,
    reasons: [message],
    remedies: layered.includes(request) ? [`rpm-ostree uninstall ${request}`] : [],
  };
}
