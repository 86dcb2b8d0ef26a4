// The list, the viewer and the report editor tell one another which study they are at.
export const channel = new BroadcastChannel('neuronova-reading');

/** Tell the other windows something: {from, kind, study}. */
export function tell(from, kind, study) {
  channel.postMessage({ from, kind, study });
}

/** The address of a study in the viewer and in the editor. */
export const VIEWER = study => `/viewer?StudyInstanceUIDs=${encodeURIComponent(study)}`;
export const EDITOR = study => `/console/report?study=${encodeURIComponent(study)}`;
