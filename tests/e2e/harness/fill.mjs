/** Fills what is left of the page's localStorage, as a site that stores much does. */
export const fill = (page) =>
  page.evaluate(() => {
    let size = 1 << 22;
    for (let n = 0; size; n++) {
      try {
        localStorage.setItem(`page's own ${n}`, 'x'.repeat(size));
      } catch {
        size >>= 1;
      }
    }
  });
