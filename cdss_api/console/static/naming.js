// What the states and roles of the API are called on pages.
import { _ } from './translating.js';

export const ROLES = {
  admin: _('admin'), radiologist: _('radiologist'), doctor: _('doctor'), nurse: _('nurse'),
  technologist: _('technologist'), patient: _('patient'), service: _('service'),
};
export const PRIORITIES = { stat: _('stat'), asap: _('asap'), urgent: _('urgent'), routine: _('routine') };
export const JOB_STATES = {
  queued: _('queued'), running: _('running'), succeeded: _('succeeded'), not_evaluable: _('not evaluable'),
  failed_transient: _('tried again soon'), failed_permanent: _('failed'), cancelled: _('cancelled'), superseded: _('superseded'),
};
export const REPORT_STATES = {
  '': _('new'), partial: _('draft'), preliminary: _('preliminary'), final: _('signed'), amended: _('amended'),
};
export const SEXES = { male: _('male'), female: _('female'), other: _('other'), unknown: _('unknown') };
/** Name one of these; one that is not known as it is. */
export const nameOf = (names, one) => names[one] ?? one;
