// Signing in and out: `identify` and `reset`.
import { identify, reset, track } from "./analytics.js";
import "./page.js";

const KEY = "shop.customer";
const [signIn, signOut] = [document.getElementById("sign-in"), document.getElementById("sign-out")];

function show() {
  const customer = localStorage.getItem(KEY);
  signIn.hidden = customer !== null;
  signOut.hidden = customer === null;
  document.getElementById("who").textContent = customer ?? "";
}

signIn.addEventListener("submit", (event) => {
  event.preventDefault();
  const customer = new FormData(signIn).get("name").trim();
  localStorage.setItem(KEY, customer);
  identify(customer, { plan: "regular" });
  track("sign_in");
  show();
});

signOut.addEventListener("submit", (event) => {
  event.preventDefault();
  track("sign_out");
  localStorage.removeItem(KEY);
  reset();
  show();
});

show();
