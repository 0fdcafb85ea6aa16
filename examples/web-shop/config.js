// Served by `cargo xtask demo` with the address it really listens on; this is for any other static file server.
export const site = "web-shop";
export const endpoint = "http://127.0.0.1:8080";
