/** Polls `condition` until it returns something truthy, and returns that. Errors count as "not yet". */
export const until = async (what, condition, deadlineMs = 20_000) => {
  const end = Date.now() + deadlineMs;
  let last;
  for (;;) {
    try {
      last = await condition();
      if (last) return last;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) throw Error(`not within ${deadlineMs} ms: ${what}; last: ${show(last)}`);
    await new Promise((wake) => setTimeout(wake, 25));
  }
};

const show = (value) => (value instanceof Error ? value.message : JSON.stringify(value));
