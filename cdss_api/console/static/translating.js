// The page's texts in its reader's language. English is what is written here and in the templates.
export const language = document.documentElement.lang;

// What a browser asks for in this language: English as in Britain, or as in America.
export const locale = navigator.languages.find(one => one.split('-')[0] === language) ?? language;

async function catalog() {
  if (language === 'en') return {};
  try {
    const answer = await fetch(`/console/messages/${language}.json`);
    return answer.ok ? await answer.json() : {};
  } catch {
    return {}; // the page is of more use in English than not at all
  }
}

const texts = await catalog();

/** Return a text in the reader's language, with `values` in the place of each %(name)s. */
export function _(text, values = {}) {
  return (texts[text] ?? text).replace(/%\((\w+)\)s/g, (_all, name) => values[name]);
}

/** Return what the API says of a problem; what no catalog has stays as it is, behind words that say what it is. */
export function said(detail) {
  return language === 'en' || texts[detail] ? _(detail) : `${_('The server says:')} ${detail}`;
}
