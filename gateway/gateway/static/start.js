"use strict";

const main = document.querySelector("main");
const steps = document.querySelector("#steps");
const buy = document.querySelector("#buy");
const mails = document.querySelector("#mails");
const MAILS_SHOWN = 10;
const LOOKS = 20;
const SHELF = 10;
const SHELVES = ["on_sale=true&min_rating=4", "featured=true&min_rating=3", "featured=true", "in_stock=true"];

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function show(what, how, body, good) {
  const item = element("li", undefined, good ? "" : "bad");
  item.append(element("div", what, "what"), element("div", how, "how"));
  const details = element("details");
  details.append(element("summary", "answer"), element("pre", JSON.stringify(body, null, 2)));
  item.append(details);
  steps.append(item);
}

async function ask(what, method, path, { body, headers = {}, token } = {}) {
  const began = performance.now();
  const all = { Accept: "application/json", ...headers };
  if (token) all.Authorization = `Bearer ${token}`;
  if (body !== undefined) all["Content-Type"] = "application/json";
  const answer = await fetch(path, { method, headers: all, body: body === undefined ? undefined : JSON.stringify(body) });
  const text = await answer.text();
  const told = text ? JSON.parse(text) : null;
  const took = Math.round(performance.now() - began);
  show(what, `${method} ${path} · ${answer.status} · ${took} ms`, told, answer.ok);
  if (!answer.ok) throw new Error(told && told.detail ? told.detail : `status ${answer.status}`);
  return told;
}

function randomKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function loggedIn() {
  const login = await ask("Log in", "POST", "/api/v1/auth/login", {
    body: { email: main.dataset.customer, password: main.dataset.password },
  });
  return login.access_token;
}

async function purchase() {
  const token = await loggedIn();
  const list = await ask("Look for something in stock", "GET", "/api/v1/products?in_stock=true&page_size=20");
  const products = list.items;
  if (!products.length) throw new Error("nothing is in stock");
  const product = products[Math.floor(Math.random() * products.length)];
  const variant = product.variants.find((each) => each.in_stock);
  const cart = await ask(`Put one ${product.name} into the cart`, "POST", "/api/v1/cart/items", {
    body: { sku: variant.sku, quantity: 1 },
    token,
  });
  const order = await ask(`Check out ${cart.total.amount} ${cart.total.currency}`, "POST", "/api/v1/orders", {
    headers: { "Idempotency-Key": randomKey(), Prefer: "wait=10" },
    body: {
      shipping_address: {
        name: "A. Customer",
        line1: "1 Market St",
        city: "Nairobi",
        country: "KE",
        phone: "+254700000001",
      },
      shipping_method: "standard",
      payment: { method: "card", token: document.querySelector("#card").value },
    },
    token,
  });
  const next = order.next_action;
  if (next && next.type === "redirect") {
    const item = element("li");
    const link = element("a", "The bank asks the payer: go to its page");
    link.href = next.url;
    item.append(link);
    steps.append(item);
  }
  await timeline(order, token);
}

function timeline(order, token) {
  const what = `Order ${order.number} is ${order.status.replaceAll("_", " ")}: its timeline`;
  return ask(what, "GET", `/api/v1/orders/${order.id}/timeline`, { token });
}

async function backFromTheBank() {
  const token = await loggedIn();
  const path = `/api/v1/orders/${encodeURIComponent(new URLSearchParams(location.search).get("order_id"))}`;
  for (let looked = 0; looked < LOOKS; looked += 1) {
    const answer = await fetch(path, { headers: { Accept: "application/json", Authorization: `Bearer ${token}` } });
    if (!answer.ok) break;
    const order = await answer.json();
    if (!["requires_action", "processing", "authorised"].includes(order.payment_status)) break;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  await timeline(await ask("Back from the bank: look at the order", "GET", path, { token }), token);
}

async function tell(story) {
  buy.disabled = true;
  steps.replaceChildren();
  try {
    await story();
  } catch (error) {
    steps.append(element("li", `Stopped: ${error.message}`, "bad"));
  } finally {
    buy.disabled = false;
    setTimeout(look, 1500);
  }
}

buy.addEventListener("click", () => tell(purchase));

async function look() {
  const answer = await fetch("/dev/mails");
  if (!answer.ok) return;
  const { items } = await answer.json();
  if (!items.length) return;
  mails.replaceChildren(
    ...items.slice(0, MAILS_SHOWN).map((mail) => {
      const box = element("div", undefined, "mail");
      const details = element("details");
      details.append(element("summary", `${mail.to} · ${mail.date}`), element("pre", mail.text));
      box.append(element("strong", mail.subject), details);
      return box;
    }),
  );
}

function priced({ amount, currency }) {
  return new Intl.NumberFormat("en", { style: "currency", currency, currencyDisplay: "code" }).format(amount);
}

function card(product) {
  const link = element("a");
  link.href = `/api/v1/products/${encodeURIComponent(product.slug)}`;
  const box = element("div", undefined, "picture");
  const [shown] = product.images;
  if (shown) {
    const image = element("img");
    Object.assign(image, { src: shown.medium, alt: shown.alt, width: shown.width, height: shown.height, loading: "lazy" });
    box.append(image);
  }
  if (product.sale_price) box.append(element("span", `-${product.discount_percent}%`, "off"));
  const price = element("div", priced(product.sale_price || product.price), "price");
  if (product.sale_price) price.append(element("s", priced(product.price)));
  const told = element("div", undefined, "told");
  told.append(element("div", product.name), price);
  if (product.review_count) {
    const stars = element("span", "★".repeat(Math.round(product.rating)), "stars");
    const said = element("div");
    said.append(stars, element("span", ` ${product.rating.toFixed(1)} (${product.review_count})`, "soft"));
    said.setAttribute("aria-label", `${product.rating.toFixed(1)} of 5 stars, reviews: ${product.review_count}`);
    said.setAttribute("role", "img");
    told.append(said);
  }
  link.append(box, told);
  const item = element("li");
  item.append(link);
  return item;
}

async function fillShelf() {
  const found = new Map();
  for (const shelf of SHELVES) {
    const answer = await fetch(`/api/v1/products?${shelf}&page_size=20`);
    if (!answer.ok) return;
    const room = found.size ? SHELF : SHELF / 2;
    for (const product of (await answer.json()).items) {
      const place = product.categories.length ? product.categories[0].id : product.id;
      if (found.size < room && !found.has(place)) found.set(place, product);
    }
  }
  document.querySelector("#shelf").replaceChildren(...Array.from(found.values(), card));
  document.querySelector("#shop").hidden = !found.size;
}

document.querySelector("#look").addEventListener("click", look);
look();
fillShelf();
if (new URLSearchParams(location.search).has("order_id")) tell(backFromTheBank);
