import { engineSignCommit, gpgSignCommit } from '@coppice/ostree';
import type { OstreeCall } from './verb.ts';
