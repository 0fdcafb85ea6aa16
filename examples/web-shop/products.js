/** Prices are whole cents: money is never a fraction. */
export const currency = "EUR";

export const products = [
  { id: "first-flush", name: "First Flush", kind: "Black tea, 100 g", price: 1450, tint: "#b5651d" },
  { id: "mist-oolong", name: "Mist Oolong", kind: "Oolong, 100 g", price: 1890, tint: "#8a9a5b" },
  { id: "river-green", name: "River Green", kind: "Green tea, 100 g", price: 1290, tint: "#5d8a4a" },
  { id: "night-rooibos", name: "Night Rooibos", kind: "Herbal, 100 g", price: 890, tint: "#a0403a" },
  { id: "white-peony", name: "White Peony", kind: "White tea, 50 g", price: 1650, tint: "#c2b280" },
  { id: "smoke-and-pine", name: "Smoke & Pine", kind: "Black tea, 100 g", price: 1390, tint: "#4a4e57" },
  { id: "kettle", name: "Quiet Kettle", kind: "1.2 litres", price: 6900, tint: "#607d8b" },
  { id: "mug", name: "Mug that does not drip", kind: "0.3 litres", price: 1800, tint: "#7a5c8e" },
];

const format = new Intl.NumberFormat(undefined, { style: "currency", currency });

export const money = (cents) => format.format(cents / 100);
