// The choice of the language: kept in this browser, and with the account of whoever is logged in.
import { ask } from './asking.js';

const YEAR = 365 * 86400; // seconds

document.getElementById('language')?.addEventListener('change', async ({ target }) => {
  document.cookie = `neuronova_language=${target.value}; path=/; max-age=${YEAR}; samesite=lax`;
  await ask('PUT', '/api/v1/auth/language', { language: target.value });
  location.reload();
});
