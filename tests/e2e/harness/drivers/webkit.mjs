/**
 * WebKit: GTK's MiniBrowser (its path in HEADWATER_WEBKIT) on a screen of Xvfb, driven by a channel of ours.
 * WebKitWebDriver starts every browser with storage that lives in memory, so nothing could be killed and found again;
 * without it this is the browser that a visitor has, on a profile of its own.
 */
import { spawn } from 'node:child_process';
import path from 'node:path';

import { Channel, SCRIPT } from '../channel.mjs';
import { until } from '../until.mjs';
import { contentProcess, kill, killAll, mind } from './processes.mjs';

const PROGRAM = process.env.HEADWATER_WEBKIT ?? '/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser';

class Tab {
  constructor(channel, browser) {
    Object.assign(this, { channel, browser });
  }

  goto(url) {
    return this.channel.leave((url) => void (location.href = url), url);
  }

  reload() {
    return this.channel.leave(() => location.reload());
  }

  back() {
    return this.channel.leave(() => history.back());
  }

  evaluate(code, argument) {
    return this.channel.evaluate(code, argument);
  }

  async close() {
    if (!this.dead) {
      await this.channel.tell(() => window.close());
      await until('the end of the tab', () => this.channel.gone);
    }
    this.channel.stop();
  }

  /** Kills the page's process when `end` is called. */
  async prepareKill() {
    const pid = await contentProcess(this.browser, this);
    return async () => {
      await kill(pid);
      this.dead = true;
    };
  }
}

export const launch = async (profile) => {
  const screen = await startScreen();
  // Tabs are opened by a page of ours on another site (`localhost`), so that no tab shares its process.
  const root = await Channel.start('localhost');
  const first = `${root.address}#${encodeURIComponent(root.address)}`;
  const child = mind(
    spawn(PROGRAM, ['--javascript-can-open-windows-automatically=true', first], {
      detached: true,
      stdio: 'ignore',
      env: {
        ...process.env,
        DISPLAY: screen.display,
        HOME: profile,
        XDG_CACHE_HOME: path.join(profile, 'cache'),
        XDG_CONFIG_HOME: path.join(profile, 'config'),
        XDG_DATA_HOME: path.join(profile, 'data'),
        // There is no GPU, and no user namespace for a sandbox.
        WEBKIT_DISABLE_COMPOSITING_MODE: '1',
        WEBKIT_DISABLE_DMABUF_RENDERER: '1',
        WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1',
      },
    }),
  );
  await until('a first page', () => root.isThere);
  const channels = [root];
  const end = async () => {
    await killAll(child);
    for (const channel of channels) channel.stop();
    await killAll(screen.child);
  };
  return {
    head: SCRIPT,
    /** The tab begins with a page of `site`. */
    newPage: async (site) => {
      const channel = await Channel.start();
      channels.push(channel);
      const url = `${site}/other#${encodeURIComponent(channel.address)}`;
      await root.evaluate((url) => void window.open(url, '_blank', 'noopener'), url);
      await until('a new tab', () => channel.isThere);
      return new Tab(channel, child.pid);
    },
    // It has no way to be asked to quit but its window's button.
    close: end,
    kill: end,
  };
};

/** A screen with a number that Xvfb finds free. */
const startScreen = async () => {
  const child = mind(
    spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '1024x768x24', '-nolisten', 'tcp'], {
      detached: true,
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    }),
  );
  let number = '';
  child.stdio[3].on('data', (chunk) => (number += chunk));
  await until('a screen', () => number.endsWith('\n'));
  return { child, display: `:${number.trim()}` };
};
