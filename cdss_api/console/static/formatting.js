// How pages write counts, sizes and times.
export const age = seconds => {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 48 * 3600 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86400)} days`;
};
export const time = seconds => new Date(seconds * 1000).toLocaleString();
export const number = value => value.toLocaleString();

/** Bytes in the largest unit of 1024 that leaves a digit before the point. */
export function bytes(value) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  const at = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(value, 1)) / 10));
  return `${(value / 1024 ** at).toFixed(at ? 1 : 0)}\u00a0${units[at]}`;
}
