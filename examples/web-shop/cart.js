// The cart, in localStorage beside Headwater's journal: `{product id: quantity}`.
import { products } from "./products.js";

const KEY = "shop.cart";

function read() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    return {};
  }
}

function write(cart) {
  localStorage.setItem(KEY, JSON.stringify(cart));
}

export function add(id) {
  const cart = read();
  cart[id] = (cart[id] ?? 0) + 1;
  write(cart);
}

export function remove(id) {
  const cart = read();
  delete cart[id];
  write(cart);
}

export function empty() {
  write({});
}

/** `[{product, quantity}]` of what is still sold. */
export function lines() {
  const cart = read();
  return products.filter(({ id }) => cart[id] > 0).map((product) => ({ product, quantity: cart[product.id] }));
}

export function count() {
  return lines().reduce((sum, { quantity }) => sum + quantity, 0);
}

/** In cents. */
export function total() {
  return lines().reduce((sum, { product, quantity }) => sum + product.price * quantity, 0);
}
