/** The visitor's browser has no IndexedDB, as some private windows have none: pages hold what localStorage holds. */
export const withoutIndexedDb = (visitor) =>
  visitor.context.addInitScript(() =>
    Object.defineProperty(window, 'indexedDB', {
      get: () => {
        throw new DOMException('no', 'SecurityError');
      },
    }),
  );
