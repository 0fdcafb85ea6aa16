let warned = false;

/** A page never fails because of us: the first error is shown, all are kept from it. */
export const guard =
  <A extends unknown[]>(call: (...args: A) => void) =>
  (...args: A): void => {
    try {
      // Rendered on a server there is no visitor to count.
      if (typeof document !== 'undefined') call(...args);
    } catch (error) {
      if (!warned) console.warn('headwater:', error);
      warned = true;
    }
  };
