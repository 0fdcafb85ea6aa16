// The single-page part: the address changes by pushState, and every change is one `page()`.
import { page, track } from "../analytics.js";
import * as cart from "../cart.js";
import { currency, money, products } from "../products.js";
// The first view of this document is counted there, as on every page.
import "../page.js";

const view = document.getElementById("view");

/** `element("a", { href: "/" }, "Home")`: text is text, never markup. */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(key, value);
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

function tile(product) {
  const tile = element("span", { class: "tile", "aria-hidden": "true" }, product.name[0]);
  tile.style.background = product.tint;
  return tile;
}

const link = (href, text, more = {}) => element("a", { href, ...more }, text);

function list() {
  const grid = element("ul", { class: "grid" });
  const fill = (query) => {
    const found = products.filter(({ name, kind }) => `${name} ${kind}`.toLowerCase().includes(query.toLowerCase()));
    grid.replaceChildren(
      ...found.map((product) =>
        element(
          "li",
          {},
          element("a", { href: `/shop/product/${product.id}` }, tile(product), element("strong", {}, product.name),
            element("span", {}, product.kind), element("span", {}, money(product.price))),
        ),
      ),
    );
    return found.length;
  };
  fill("");
  const search = element(
    "form",
    {
      role: "search",
      submit(event) {
        event.preventDefault();
        const query = new FormData(event.target).get("query").trim();
        track("search", { query, results: fill(query) });
      },
    },
    element("label", { for: "query" }, "Find "),
    element("input", { id: "query", name: "query", type: "search" }),
    element("button", { class: "button" }, "Search"),
  );
  return ["Shop", search, grid];
}

function detail(id) {
  const product = products.find((one) => one.id === id);
  if (!product) return missing();
  track("product_view", { product: id, price: product.price, currency });
  const add = () => {
    cart.add(id);
    track("add_to_cart", { product: id, price: product.price, currency, quantity: 1 });
    shown();
  };
  return [
    product.name,
    element("div", { class: "detail" }, tile(product), element("p", {}, product.kind),
      element("p", { class: "price" }, money(product.price)),
      element("button", { class: "button", id: "add", click: add }, "Add to cart")),
    element("p", {}, link("/shop/", "All products"), " · ", link("/shop/cart", "To the cart")),
  ];
}

function basket() {
  const lines = cart.lines();
  if (lines.length === 0) return ["Cart", element("p", {}, "Your cart is empty. ", link("/shop/", "Look around"))];
  const rows = lines.map(({ product, quantity }) => {
    const remove = () => {
      cart.remove(product.id);
      track("remove_from_cart", { product: product.id, quantity });
      show();
    };
    return element("tr", {}, element("td", {}, product.name), element("td", {}, `${quantity} ×`),
      element("td", {}, money(product.price)),
      element("td", {}, element("button", { click: remove, "aria-label": `Remove ${product.name}` }, "Remove")));
  });
  return [
    "Cart",
    element("table", {}, element("tbody", {}, ...rows)),
    element("p", { class: "price" }, `Together ${money(cart.total())}`),
    element("p", {}, link("/shop/checkout", "Check out", { class: "button", id: "check-out" })),
  ];
}

function checkout() {
  const buy = (event) => {
    event.preventDefault();
    const items = cart.count();
    track("purchase", { order: crypto.randomUUID(), items, revenue: cart.total(), currency });
    cart.empty();
    go("/shop/thanks");
  };
  return [
    "Check out",
    element("form", { submit: buy },
      element("p", {}, element("label", { for: "address" }, "Address "),
        element("input", { id: "address", required: "", autocomplete: "off" })),
      element("p", { class: "price" }, money(cart.total())),
      element("button", { class: "button", id: "buy" }, "Buy (no money moves)")),
  ];
}

const thanks = () => ["Thank you", element("p", {}, "The kettle is on. ", link("/shop/", "Back to the shop"))];
const missing = () => ["Not here", element("p", {}, "We have no such page. ", link("/shop/", "All products"))];

const routes = [
  [/^\/shop\/(?:index\.html)?$/, list],
  [/^\/shop\/product\/([a-z-]+)$/, detail],
  [/^\/shop\/cart$/, basket],
  [/^\/shop\/checkout$/, checkout],
  [/^\/shop\/thanks$/, thanks],
];

/** Draws the view of the present address. */
function show() {
  const [pattern, draw] = routes.find(([pattern]) => pattern.test(location.pathname)) ?? [/$/, missing];
  const [title, ...parts] = draw(location.pathname.match(pattern)[1]);
  document.title = `${title} · Riverbend Tea`;
  view.replaceChildren(element("h1", {}, title), ...parts);
  shown();
}

function shown() {
  for (const place of document.querySelectorAll("[data-cart-count]")) place.textContent = cart.count();
}

/** A new view of this document. */
function go(address) {
  history.pushState(null, "", address);
  page();
  show();
  view.focus({ preventScroll: true });
  scrollTo(0, 0);
}

document.addEventListener("click", (event) => {
  const target = event.target.closest("a");
  const plain = event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
  if (!target || !plain || target.origin !== location.origin || !target.pathname.startsWith("/shop/")) return;
  event.preventDefault();
  go(target.pathname);
});

addEventListener("popstate", () => {
  page();
  show();
});

show();
