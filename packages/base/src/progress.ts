/**
 * One stream of progress that a terminal bar, a plain log and JSON Lines (`--progress-fd`) all render.
 * `begin`/`end` bracket a named step; `update` carries counts (`total` absent while unknown) or bytes; `message` is a line of its own.
 */
export type ProgressEvent =
  | { readonly type: 'begin'; readonly step: string }
  | {
      readonly type: 'update';
      readonly step: string;
      readonly done: number;
      readonly total?: number;
      readonly detail?: string;
    }
  | { readonly type: 'end'; readonly step: string; readonly text?: string }
  | { readonly type: 'message'; readonly text: string };

export type Progress = (event: ProgressEvent) => void;

export const silentProgress: Progress = () => {};
