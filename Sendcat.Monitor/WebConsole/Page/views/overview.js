// The first view: the verdict, what to look at, then every part of the system.
import { html } from '../ui.js';
import { Verdict } from '../panels/verdict.js';
import { Alerts } from '../panels/alerts.js';
import { Traffic } from '../panels/traffic.js';
import { Circuits } from '../panels/circuits.js';
import { Routes } from '../panels/routes.js';
import { Bulkheads } from '../panels/bulkheads.js';
import { Lanes } from '../panels/lanes.js';
import { Admission } from '../panels/admission.js';
import { Refused } from '../panels/refused.js';
import { Budget } from '../panels/budget.js';
import { Replicas } from '../panels/replicas.js';
import { Posture } from '../panels/posture.js';
import { Cost } from '../panels/cost.js';
import { Cache, ReplayProtection } from '../panels/cache.js';
import { Schedule } from '../panels/schedule.js';

export const Overview = () => html`
  <${Verdict} />
  <div class="panels">
    <${Alerts} /><${Traffic} /><${Routes} /><${Circuits} /><${Bulkheads} /><${Lanes} /><${Admission} /><${Refused} /><${Replicas} />
    <${Budget} /><${Posture} /><${Cost} /><div class="stack"><${Cache} /><${ReplayProtection} /></div><${Schedule} />
  </div>`;
