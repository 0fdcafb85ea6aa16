/** localStorage that never throws. A page may have none (privacy settings, sandboxed frames), or a full one. */

import type { Page } from './types';

export const read = (page: Page, key: string): string | null => {
  try {
    return page.area!.getItem(page.prefix + key);
  } catch {
    return null;
  }
};

/** Whether the write returned, which is what makes an event accepted. */
export const write = (page: Page, key: string, value: string): boolean => {
  try {
    page.area!.setItem(page.prefix + key, value);
    return true;
  } catch {
    return false;
  }
};

export const remove = (page: Page, key: string): void => {
  try {
    page.area!.removeItem(page.prefix + key);
  } catch {
    // Then there is nothing to remove.
  }
};
