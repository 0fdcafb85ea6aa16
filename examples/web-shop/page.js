// What every page of the shop does.
import { consent, page, track } from "./analytics.js";
import { count } from "./cart.js";

const DENIED = "shop.denied";

page();

for (const place of document.querySelectorAll("[data-cart-count]")) place.textContent = count();

for (const link of document.querySelectorAll("[data-track]")) {
  // The page is left right after this: the call is durable before it returns to the browser.
  link.addEventListener("click", () => track(link.dataset.track));
}

const box = document.querySelector("[data-consent]");
box.checked = !localStorage.getItem(DENIED);
box.addEventListener("change", () => {
  consent(box.checked ? "granted" : "denied");
  if (box.checked) localStorage.removeItem(DENIED);
  else localStorage.setItem(DENIED, "yes");
});
