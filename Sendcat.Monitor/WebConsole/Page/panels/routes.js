// Routes to models: load, circuit and models of each, taking load off one, testing one, and swapping models.
import { html } from '../ui.js';
import { change, query } from '../http.js';
import { isOperator } from '../live.js';
import { dayAndTime, duration, number } from '../format.js';
import { ask, howLong } from '../dialog.js';
import { Badge, Panel, Table } from '../panel.js';

export const Routes = () => html`
  <${Panel} id="routes" title="Routes to models" section="routes" size="wide">${routes => html`
    <${Table} label="Routes" head=${['route', 'circuit', '#in use', '#limit', 'models', 'drained', ...(isOperator() ? ['change'] : [])]}>
      ${routes.items.map(route => html`
        <tr key=${route.id}>
          <th scope="row">${route.id} <span class="quiet">${route.account}${route.ownKey ? ', own key' : ''}</span></th>
          <td><${Badge} level=${{ closed: 'ok', half_open: 'degraded' }[route.circuit?.state] ?? 'failing'}>
            ${route.circuit?.state.replace('_', '-')}</${Badge}></td>
          <td class="n">${number(route.inFlight)}</td><td class="n">${number(route.maxConcurrent)}</td>
          <td>fast ${route.models.fast}, agent ${route.models.agent}</td>
          <td>${route.drainPercent ? html`<${Badge} level="degraded">${route.drainPercent} %</${Badge}>${until(route.drainUntil)}`
            : 'no'}</td>
          ${isOperator() && html`<td class="buttons">
            <button type="button" class="plain" onClick=${() => drain(route)}>Drain<span class="unseen"> ${route.id}</span></button>
            <button type="button" class="plain" onClick=${() => test(route)}>Test<span class="unseen"> ${route.id}</span></button></td>`}
        </tr>`)}
    </${Table}>
    ${isOperator()
      && html`<p class="buttons">
        <button type="button" class="plain" onClick=${() => swap(routes.items)}>Swap models</button></p>`}`}</${Panel}>`;

const until = time => (time ? ` until ${dayAndTime(time)} UTC` : '');

const drain = (route, value = route.drainPercent ? 0 : 100) => ask({
  title: `Drain ${route.id}`, action: 'Drain', danger: true,
  body: html`<p>So many percent of the turns that would use ${route.id} use another route. 0 ends it. Now: ${route.drainPercent} %.</p>`,
  field: { label: 'Percent', type: 'number', value: String(value), hint: '0 to 100' }, choice: howLong,
  run: async (reason, percent, forSeconds) => {
    const drained = await change('POST', `routes/${route.id}/drain${query({ percent, forSeconds })}`, reason);
    return {
      text: `${route.id} is drained by ${drained.drainPercent} %${until(drained.until)}.`,
      undo: { label: `Back to ${route.drainPercent} %`, run: () =>
        drain({ ...route, drainPercent: drained.drainPercent }, route.drainPercent) },
    };
  },
});

const test = route => ask({
  title: `Test ${route.id}`, action: 'Test now', reason: 'test of the route',
    body: html`<p>Sends one short request to the model. It costs its tokens.</p>`,
  field: { label: 'Class', options: ['fast', 'agent'], value: 'fast' },
  run: async (reason, name) => {
    const result = await change('POST', `routes/${route.id}/test?class=${name}`, reason);
    return result.ok
      ? `${route.id} (${result.model}) answers: first token after ${duration(result.firstTokenMs)}, ${duration(result.totalMs)} in all.`
      : `${route.id} (${result.model}) fails: ${result.code ?? ''} ${result.status ?? ''}`;
  },
});

const swap = routes => ask({
  title: 'Swap the models of the routes', action: 'Swap',
  body: html`<p>The first route gets the model of the second, and the other way round. Now: ${routes.map(route =>
    html`${route.id}: fast ${route.models.fast}, agent ${route.models.agent}; `)}</p>`,
  field: { label: 'Class', options: ['fast', 'agent'], value: 'fast' },
  run: async (reason, name) => {
    await change('POST', 'routes/models', reason, { swap: name });
    return { text: `The ${name} models are swapped.`, undo: { label: 'Swap back', run: () => swap(routes) } };
  },
});
