/** Return the link that leads to the page on which a study is held. */
export function holdLink(one) {
  const link = document.createElement('a');
  link.href = `/console/retention?study=${encodeURIComponent(one.study)}`;
  link.textContent = 'Hold';
  link.setAttribute('aria-label', `Hold the study of ${one.patient_id}`);
  return link;
}
