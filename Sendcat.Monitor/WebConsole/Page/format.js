// Numbers, ages and times, always the same way. Times are UTC, as in the logs.

export const number = value => (value === undefined || value === null ? '–' : Math.round(value).toLocaleString('en-US'));
export const percent = (share, digits = 0) => (share === undefined || share === null ? '–' : `${(share * 100).toFixed(digits)} %`);

export function duration(ms) {
  if (ms === undefined || ms === null) return '–';
  const s = ms / 1000;
  if (s < 0.9995) return `${Math.round(ms)} ms`;
  if (s < 100) return `${s < 10 ? s.toFixed(1) : Math.round(s)} s`;
  const min = s / 60;
  if (min < 100) return `${Math.round(min)} min`;
  return min < 2880 ? `${Math.round(min / 60)} h` : `${Math.round(min / 1440)} d`;
}

export const clock = time => (time ? new Date(time).toISOString().slice(11, 19) : '–');
export const dayAndTime = time => (time ? new Date(time).toISOString().slice(0, 19).replace('T', ' ') : '–');

/** "12 s ago" or "in 3 min". */
export function relative(time, now) {
  if (!time) return '–';
  const ms = now - new Date(time).getTime();
  const whole = Math.round(Math.abs(ms) / 1000);
  const text = whole < 100 ? `${whole} s` : duration(whole * 1000);
  return whole === 0 ? 'now' : ms > 0 ? `${text} ago` : `in ${text}`;
}

export const money = usd => (usd === undefined || usd === null ? '–' : `$${usd === 0 || usd >= 1 ? usd.toFixed(2) : usd.toPrecision(2)}`);

export const words = name => String(name ?? '').replace(/_/g, ' ');

/** Without the code marks of the documentation. */
export const plain = text => String(text ?? '').replace(/`/g, '');
export const plural = (count, one, many = `${one}s`) => `${number(count)} ${count === 1 ? one : many}`;
