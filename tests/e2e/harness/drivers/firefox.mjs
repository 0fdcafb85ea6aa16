/** Firefox (its path in HEADWATER_FIREFOX), over WebDriver BiDi. */
import { Page, launch as start } from './puppeteer.mjs';
import { contentProcess, kill } from './processes.mjs';

const PROGRAM = process.env.HEADWATER_FIREFOX ?? '/usr/bin/firefox-esr';

const PREFERENCES = {
  // No traffic of its own.
  'app.update.enabled': false,
  'browser.safebrowsing.downloads.enabled': false,
  'browser.safebrowsing.malware.enabled': false,
  'browser.safebrowsing.phishing.enabled': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  // A browser that was killed starts with an empty page, not with its old tabs or a question.
  'browser.sessionstore.resume_from_crash': false,
  'toolkit.startup.max_resumed_crashes': -1,
};

class Tab extends Page {
  /** Kills the page's process when `end` is called. */
  async prepareKill() {
    const pid = await contentProcess(this.browser, this);
    return () => kill(pid);
  }
}

export const launch = (profile) =>
  start(
    profile,
    {
      browser: 'firefox',
      executablePath: PROGRAM,
      extraPrefsFirefox: PREFERENCES,
      env: { ...process.env, MOZ_CRASHREPORTER_DISABLE: '1' },
    },
    (page, browser) => new Tab(page, browser),
  );
