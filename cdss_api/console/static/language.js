// The choice of the language: kept in this browser, and with the account of whoever is logged in.
import { ask } from './asking.js';

const YEAR = 365 * 86400; // seconds

async function choose() {
  document.cookie = `neuronova_language=${choice.value}; path=/; max-age=${YEAR}; samesite=lax`;
  await ask('PUT', '/api/v1/auth/language', { language: choice.value });
  location.reload();
}

const choice = document.getElementById('language');
choice?.addEventListener('change', choose);
// Chosen before this was loaded; the box is not filled in by the browser (autocomplete), or this would go round.
if (choice && choice.value !== document.documentElement.lang) choose();
