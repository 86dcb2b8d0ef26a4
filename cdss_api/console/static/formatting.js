// How pages write counts, sizes and times.
import { _, locale } from './translating.js';

export const age = seconds => {
  if (seconds < 120) return _('%(count)s s', { count: Math.round(seconds) });
  if (seconds < 7200) return _('%(count)s min', { count: Math.round(seconds / 60) });
  if (seconds < 48 * 3600) return _('%(count)s h', { count: Math.round(seconds / 3600) });
  return _('%(count)s days', { count: Math.round(seconds / 86400) });
};
/** A moment: an ISO 8601 text, milliseconds since 1970, or a Date. */
export const moment = one => new Date(one).toLocaleString(locale);
/** A moment's hour and minute. */
export const clock = one => new Date(one).toLocaleTimeString(locale, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
/** Seconds since 1970; nothing where there are none. */
export const time = seconds => (seconds === null ? '' : moment(seconds * 1000));
export const number = value => value.toLocaleString(locale);

/** Bytes in the largest unit of 1024 that leaves a digit before the point. */
export function bytes(value) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  const at = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(value, 1)) / 10));
  const digits = at ? 1 : 0;
  const shown = (value / 1024 ** at).toLocaleString(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return `${shown}\u00a0${units[at]}`;
}
