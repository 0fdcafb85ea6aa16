/** What the server counted of one visitor, who has a site id that no other scenario uses. */
import { randomUUID } from 'node:crypto';

import { until } from './until.mjs';

export class Books {
  constructor(server) {
    Object.assign(this, { server, key: `e2e-${randomUUID()}` });
  }

  /** Events counted so far. */
  async events() {
    return (await this.server.report(this.key, 'events'))[0]?.events ?? 0;
  }

  async counted(events) {
    await until(`${events} events counted`, async () => (await this.events()) === events, 40_000);
  }

  /** The promise, as numbers: all that is known is counted or named, nothing is on its way or unexplained. */
  async settled(known, lost = {}) {
    const sum = Object.values(lost).reduce((a, b) => a + b, 0);
    return until(
      `known ${known}, lost ${JSON.stringify(lost)}`,
      async () => {
        const { total } = await this.server.delivery(this.key);
        const same = Object.entries(lost).every(([reason, n]) => total.lost[reason] === n);
        const named = Object.values(total.lost).reduce((a, b) => a + b, 0);
        if (total.known !== known || total.counted !== known - sum || named !== sum || !same)
          throw Error(JSON.stringify(total));
        if (total.in_flight !== 0 || total.unexplained !== 0) throw Error(JSON.stringify(total));
        return total;
      },
      40_000,
    );
  }

  /** Whether all that is known is counted, whatever that is. */
  async isQuiet() {
    const { total } = await this.server.delivery(this.key);
    if (total.in_flight || total.unexplained || total.known !== total.counted) throw Error(JSON.stringify(total));
    return true;
  }

  /** How often each event was counted, by its name. */
  async byName() {
    const rows = await this.server.report(this.key, 'events', 'name');
    return new Map(rows.map(({ name, events }) => [name, events]));
  }
}
