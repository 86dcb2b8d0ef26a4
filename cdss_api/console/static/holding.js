import { _ } from './translating.js';

/** Return the link that leads to the page on which a study is held. */
export function holdLink(one) {
  const link = document.createElement('a');
  link.href = `/console/retention?study=${encodeURIComponent(one.study)}`;
  link.textContent = _('Hold');
  link.setAttribute('aria-label', _('Hold the study of %(patient)s', { patient: one.patient_id }));
  return link;
}
