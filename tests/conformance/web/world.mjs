/** The devices of a scenario, their pages, the network, and the clocks that only the scenario moves. */
import { Books } from './books.mjs';
import { end } from './collector.mjs';
import { Device } from './device.mjs';
import { Page } from './page.mjs';
import { Names } from './pattern.mjs';

/** The wall clock when a scenario begins, Unix ms. */
const EPOCH = 1_710_320_000_000;

/** Timers of one `wait`, and rounds of one rest. Beyond, they never end. */
const MOST = 10_000;

export class World {
  books = new Books();
  names = new Names();
  saved = new Map();
  #mono = 0;
  /** How far the wall clock is ahead of the true time. */
  #jumped = 0;
  #devices = new Map();
  #pages = [];
  #requests = [];
  #lookedAt = 0;

  constructor({ browser, site }, options) {
    Object.assign(this, { browser, site, options });
  }

  async device(name) {
    if (!this.#devices.has(name)) this.#devices.set(name, await Device.start(this.browser, this.site));
    return this.#devices.get(name);
  }

  /** The newest page of this name. */
  page(name) {
    const page = this.#pages.findLast((page) => page.name === name);
    if (!page) throw Error(`no page ${name}`);
    return page;
  }

  async open(name, device) {
    const { site, options } = this;
    const seed = this.#pages.length;
    const page = { name, seed, device: await this.device(device), site, options, now: this.#now() };
    this.#pages.push(await Page.open(page));
    await this.rest();
  }

  /** Does something with a page, and lets everything come to rest. */
  async with(name, act) {
    await act(this.page(name));
    await this.rest();
  }

  /** Lets time pass, with every timer in it. */
  async wait(ms) {
    const until = this.#mono + ms;
    for (let n = 0; n < MOST; n++) {
      let [due, first] = [Infinity];
      for (const page of this.#living()) {
        const next = (await page.next()) ?? Infinity;
        if (next < due) [due, first] = [next, page];
      }
      await this.#setTime(Math.min(Math.max(due, this.#mono), until));
      if (due > until) return;
      await first.fire();
      await this.rest();
    }
    throw Error('its timers never end');
  }

  /** The wall clock jumps. */
  async jump(ms) {
    this.#jumped += ms;
    await this.#setTime(this.#mono);
  }

  async return(name) {
    await this.page(name).return(this.#now());
    await this.rest();
  }

  /** The requests that left since the last look. */
  look() {
    const from = this.#lookedAt;
    this.#lookedAt = this.#requests.length;
    return this.#requests.slice(from);
  }

  /** The request of this name, which waits for its end. */
  named(name) {
    const request = this.#requests.find((request) => request.isOpen && request.name === name);
    if (!request) throw Error(`no request ${name} waits for its end`);
    return request;
  }

  /** The request ends, and its page hears of it unless it is gone. `ahead`: ms of the server's clock. */
  async end(request, answer) {
    const { page, life } = request;
    request.isOpen = false;
    end(
      request,
      answer && { ...answer, time: answer.ahead === undefined ? undefined : EPOCH + this.#mono + answer.ahead },
    );
    if (page.lives && page.life === life) await page.ended(request);
    await this.rest();
  }

  async journal(device) {
    return (await this.device(device)).journal(this.#living(device));
  }

  /** Calls a method of a device that changes its storage under its pages. */
  async change(device, change, ...what) {
    const living = this.#living(device);
    await (await this.device(device))[change](living, ...what);
    await this.rest();
  }

  async save(name, device) {
    this.saved.set(name, await (await this.device(device)).all(this.#living(device)));
  }

  devices() {
    return [...this.#devices.keys()];
  }

  async stop() {
    for (const { context } of this.#devices.values()) await context.close();
    for (const { collector } of this.#pages) await collector.stop();
  }

  #living(device) {
    return this.#pages.filter((page) => page.lives && (!device || page.device === this.#devices.get(device)));
  }

  #now() {
    return { mono: this.#mono, unix: EPOCH + this.#mono + this.#jumped };
  }

  async #setTime(mono) {
    this.#mono = mono;
    for (const page of this.#living()) await page.set(this.#now());
  }

  /** Tasks and promises are done, requests have left, other pages of the device have heard of changed storage. */
  async rest() {
    let before = [];
    for (let n = 0; n < MOST; n++) {
      const done = [];
      for (const page of this.#living()) done.push(await page.idle());
      this.#collect();
      if (`${done}` === `${before}`) return;
      before = done;
      for (const device of this.#devices.values()) {
        const pages = this.#living().filter((page) => page.device === device);
        for (const page of pages) {
          const others = pages.filter((other) => other !== page);
          if (others.length) await device.exchange(page, others);
        }
      }
    }
    throw Error('the pages never come to rest');
  }

  #collect() {
    for (const page of this.#pages) {
      for (const { n, by, body, response } of page.look()) {
        this.books.check(body);
        if (by === 'beacon') this.books.take(body);
        this.#requests.push({ page, life: page.life, n, by, body, response, isOpen: by !== 'beacon' });
      }
    }
  }
}
