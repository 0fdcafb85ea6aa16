// Asking Headwater: one place that knows paths, the token, and what an answer means for the page.

const TOKEN = "headwater.token:";
const LIMIT_MS = 10_000;

/** Why there is no answer: `kind` is "token", "site", "busy", "network" or "server". */
export class Trouble extends Error {
  constructor(kind, message, retryAfter = 0) {
    super(message);
    this.kind = kind;
    this.retryAfter = retryAfter;
  }
}

export const tokens = {
  of(site) {
    try {
      return sessionStorage.getItem(TOKEN + site);
    } catch {
      return memory.get(site) ?? null;
    }
  },
  keep(site, token) {
    memory.set(site, token);
    try {
      sessionStorage.setItem(TOKEN + site, token);
    } catch {
      // Storage is switched off: the token lives as long as the page.
    }
  },
  forget(site) {
    memory.delete(site);
    try {
      sessionStorage.removeItem(TOKEN + site);
    } catch {
      // As above.
    }
  },
};

const memory = new Map();

/** The JSON of `/api/v1/analytics/{site}/{path}`; throws a `Trouble`. */
export async function ask(site, path, signal) {
  const token = tokens.of(site);
  let answer;
  try {
    answer = await fetch(`/api/v1/analytics/${encodeURIComponent(site)}/${path}`, {
      headers: token ? { authorization: `Bearer ${token}` } : {},
      cache: "no-store",
      credentials: "omit",
      signal: AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]),
    });
    if (answer.ok) return await answer.json();
  } catch (error) {
    if (signal.aborted) throw error;
    throw new Trouble("network", "Headwater does not answer.");
  }
  const message = await said(answer);
  const retryAfter = Number(answer.headers.get("retry-after")) || 0;
  if (answer.status === 401 || answer.status === 403) throw new Trouble("token", message);
  if (answer.status === 404) throw new Trouble("site", message);
  if (answer.status === 429 || answer.status === 503) throw new Trouble("busy", message, retryAfter);
  throw new Trouble("server", `${answer.status}: ${message}`);
}

/** The message of an error answer, which may come from something that is not Headwater. */
async function said(answer) {
  try {
    const { message } = await answer.json();
    return String(message ?? answer.statusText);
  } catch {
    return answer.statusText;
  }
}
