// Small bar charts in an svg of 560 by 170: no library is worth its size for them.
import { number } from './formatting.js';

const SVG = 'http://www.w3.org/2000/svg';
const WIDTH = 560;
const HEIGHT = 170;
const PLOT = { left: 8, top: 22, bottom: 24 };

function add(svg, name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  svg.append(made);
}

/** Upright bars of [{label, value}], each with its value above and its label below. */
export function columns(svg, bars) {
  svg.replaceChildren();
  const most = Math.max(1, ...bars.map(({ value }) => value));
  const step = (WIDTH - 2 * PLOT.left) / bars.length;
  const room = HEIGHT - PLOT.top - PLOT.bottom;
  bars.forEach(({ label, value }, at) => {
    const height = value ? Math.max(2, (room * value) / most) : 1;
    const middle = PLOT.left + step * (at + 0.5);
    add(svg, 'rect', { x: middle - step * 0.35, y: PLOT.top + room - height, width: step * 0.7, height });
    if (value) add(svg, 'text', { x: middle, y: PLOT.top + room - height - 5, 'text-anchor': 'middle', class: 'count' }, number(value));
    add(svg, 'text', { x: middle, y: HEIGHT - 8, 'text-anchor': 'middle' }, label);
  });
}

/** Lying bars of [{label, value, warns}], with their labels on the left. */
export function rows(svg, bars) {
  svg.replaceChildren();
  const most = Math.max(1, ...bars.map(({ value }) => value));
  const step = HEIGHT / Math.max(bars.length, 1);
  const left = 130;
  bars.forEach(({ label, value, warns }, at) => {
    const width = value ? Math.max(2, ((WIDTH - left - 70) * value) / most) : 1;
    const middle = step * (at + 0.5);
    add(svg, 'text', { x: left - 10, y: middle + 4, 'text-anchor': 'end' }, label);
    add(svg, 'rect', { x: left, y: middle - step * 0.3, width, height: step * 0.6, class: warns && value ? 'warns' : '' });
    add(svg, 'text', { x: left + width + 8, y: middle + 4, class: 'count' }, number(value));
  });
}
