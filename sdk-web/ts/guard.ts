let warned = false;

/** A page never fails because of us: the first error is shown, all are kept from it. */
export const guard =
  <A extends unknown[], R>(call: (...args: A) => R) =>
  (...args: A): R | undefined => {
    try {
      // Rendered on a server there is no visitor to count.
      if (typeof document !== 'undefined') return call(...args);
    } catch (error) {
      try {
        if (!warned) console.warn('headwater:', error);
      } catch {
        // The page has no console, or one that throws.
      }
      warned = true;
    }
  };
