// Preact with htm: components are functions, markup is a tagged template, and nothing is compiled.
import { h, render } from './vendor/preact.mjs';
import htm from './vendor/htm.mjs';

export { useEffect, useMemo, useRef, useState } from './vendor/hooks.mjs';
export { render };
export const html = htm.bind(h);

let ids = 0;
export const newId = prefix => `${prefix}-${++ids}`;
