// The whole integration: one `init`. Every page imports what it needs from here.
import { consent, identify, init, page, reset, track } from "@headwater/web";
import { endpoint, site } from "/config.js";

init({ site, endpoint: `${endpoint}/collect`, appVersion: "1.0.0" });

export { consent, identify, page, reset, track };
