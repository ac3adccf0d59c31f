/** What date fields of a form give, as moments in UTC; null for an empty or half-typed one. */
function parse(text: string): number | null {
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? null : ms;
}

/** yyyy-mm-dd → its first millisecond. Anything else is null: Date.parse guesses years from scraps. */
export function dayUtc(day: string): number | null {
  return /^\d{4}-\d{2}-\d{2}$/.test(day) ? parse(`${day}T00:00:00Z`) : null;
}

/** yyyy-mm-ddThh:mm, with or without seconds. */
export function minuteUtc(minute: string): number | null {
  return /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?$/.test(minute) ? parse(`${minute}Z`) : null;
}
