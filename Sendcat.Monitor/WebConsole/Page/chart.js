// A chart of uPlot: with the mouse, with the arrow keys, and as a table for screen readers.
import { html, newId, useEffect, useRef, useState } from './ui.js';
import { clock } from './format.js';

// Steps between the ticks: whole minutes, and whole numbers (of requests or milliseconds).
const minutes = [1, 2, 5, 10, 15, 30, 60].map(each => each * 60);
const whole = [1, 10, 100, 1e3, 1e4, 1e5, 1e6].flatMap(power => [power, 2 * power, 5 * power]);
const shortest = 10 * 60; // seconds that a chart shows at least

const colors = ['--line-1', '--line-2', '--line-3', '--line-4'];
const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/**
 * @param title the heading, and the name for screen readers
 * @param times Unix seconds, ascending
 * @param series [{name, values, dash?}], a value per time; null is a gap
 * @param unit a function that writes a value
 * @param marks [{at (Unix seconds), text}] drawn as vertical lines
 */
export function Chart({ title, times, series, unit, marks = [] }) {
  const [id] = useState(() => newId('chart'));
  const [at, setAt] = useState(null);
  const place = useRef();
  const plot = useRef();
  const shownMarks = useRef(marks);
  shownMarks.current = marks;
  const names = series.map(each => each.name).join();

  useEffect(() => {
    const make = () => {
      plot.current?.destroy();
      plot.current = new uPlot(options(place.current, series, unit, setAt, shownMarks), [times, ...series.map(each => each.values)],
        place.current);
    };
    make();
    const dark = matchMedia('(prefers-color-scheme: dark)');
    dark.addEventListener('change', make);
    const size = new ResizeObserver(([{ contentRect: { width } }]) => { if (width) plot.current?.setSize({ width, height: 150 }); });
    size.observe(place.current);
    return () => {
      dark.removeEventListener('change', make);
      size.disconnect();
      plot.current.destroy();
      plot.current = null;
    };
  }, [names]);

  useEffect(() => { plot.current?.setData([times, ...series.map(each => each.values)]); }, [times, ...series.map(each => each.values)]);

  const last = times.length - 1;
  const index = at === null || at > last ? last : at;
  const move = event => {
    const to = { ArrowLeft: index - 1, ArrowRight: index + 1, Home: 0, End: last }[event.key];
    if (to === undefined || last < 0) return;
    event.preventDefault();
    const next = Math.max(0, Math.min(last, to));
    setAt(next);
    plot.current.setCursor({ left: plot.current.valToPos(times[next], 'x'), top: 40 });
  };
  const near = at === null ? [] : marks.filter(mark => Math.abs(mark.at - times[index]) <= 60);

  return html`
    <figure class="chart" aria-labelledby=${id}>
      <figcaption id=${id}>${title}</figcaption>
      <div class="plot" ref=${place} tabindex="0" role="group" aria-label=${`${title}: arrow keys read single minutes`} onKeyDown=${move}
        onBlur=${() => setAt(null)}></div>
      <p class="legend" aria-live=${at === null ? 'off' : 'polite'}>
        <span>${last >= 0 ? `${clock(times[index] * 1000).slice(0, 5)} UTC` : 'no data'}</span>
        ${last >= 0 && series.map((each, i) =>
          html`<span><i class=${`key key-${i + 1}${each.dash ? ' dashed' : ''}`}></i>
            ${each.name} <b>
              ${each.values[index] === null || each.values[index] === undefined ? '–' : unit(each.values[index])}</b></span>`)}
        ${near.map(mark => html`<span class="mark">${mark.text}</span>`)}
      </p>
      <div class="unseen"><table><caption>${title}</caption>
        <thead><tr><th scope="col">Minute (UTC)</th>${series.map(each => html`<th scope="col">${each.name}</th>`)}</tr></thead>
        <tbody>${times.map((time, row) =>
          html`<tr><th scope="row">${clock(time * 1000).slice(0, 5)}</th>
            ${series.map(each => html`<td>${each.values[row] === null ? 'none' : unit(each.values[row])}</td>`)}</tr>`)}</tbody>
      </table></div>
    </figure>`;
}

function options(place, series, unit, setAt, marks) {
  const ink = css('--quiet');
  const axis = {
    stroke: ink, grid: { stroke: css('--rule'), width: 1 }, ticks: { stroke: css('--rule'), width: 1, size: 4 }, font: '11px system-ui',
  };
  return {
    width: place.clientWidth, height: 150, legend: { show: false }, padding: [8, 8, 0, 0],
    tzDate: time => uPlot.tzDate(new Date(time * 1000), 'UTC'),
    cursor: { drag: { x: false, y: false }, y: false, points: { size: 7 } },
    scales: {
      x: { range: (_, first, last) => [Math.min(first, last - shortest), last] },
      y: { range: (_, low, high) => [0, Math.max(high ?? 0, 1) * 1.1] },
    },
    axes: [
      { ...axis, values: (_, ticks) => ticks.map(time => clock(time * 1000).slice(0, 5)), space: 56, size: 24, incrs: minutes },
      { ...axis, values: (_, ticks) => ticks.map(unit), size: 56, space: 28, incrs: whole },
    ],
    series: [{}, ...series.map((each, i) => ({
      label: each.name, stroke: css(colors[i]), width: 2, dash: each.dash,
      points: { show: each.values.filter(value => value !== null).length < 3, size: 5 },
    }))],
    hooks: {
      setCursor: [plot => {
        if (plot.cursor.left >= 0) setAt(plot.cursor.idx ?? null);
        else if (document.activeElement !== place) setAt(null);
      }],
      draw: [plot => {
        const { ctx, bbox } = plot;
        ctx.save();
        ctx.strokeStyle = css('--mark');
        ctx.setLineDash([3, 3]);
        for (const mark of marks.current) {
          const x = plot.valToPos(mark.at, 'x', true);
          if (x < bbox.left || x > bbox.left + bbox.width) continue;
          ctx.beginPath();
          ctx.moveTo(x, bbox.top);
          ctx.lineTo(x, bbox.top + bbox.height);
          ctx.stroke();
        }
        ctx.restore();
      }],
    },
  };
}
