// A browser without a screen: opens a page, signs in and agrees (or, with `deny`, does not), and goes where it is sent.
// usage: node browser.mjs URL [deny]
// Prints the heading of the last page.

const [first, answer] = process.argv.slice(2);
const cookies = new Map();
const TYPED = { login: "ada", password: "any" };

async function open(url, body) {
  const own = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  const response = await fetch(url, {
    method: body ? "POST" : "GET",
    headers: { cookie: own },
    body,
    redirect: "manual",
  });
  for (const line of response.headers.getSetCookie()) {
    const [name, value] = line.split(";")[0].split(/=(.*)/s);
    cookies.set(name, value);
  }
  return response;
}

const attribute = (tag, name) => tag.match(new RegExp(`${name}="([^"]*)"`))?.[1].replaceAll("&amp;", "&");

let url = first;
let body;
let hasDenied = false;
for (let step = 0; step < 20; step += 1) {
  const response = await open(url, body);
  const location = response.headers.get("location");
  body = undefined;
  if (location) {
    url = new URL(location, url).href;
    continue;
  }
  const page = await response.text();
  const form = page.match(/<form[^>]*>/)?.[0];
  if (!form || hasDenied) {
    console.log(page.match(/<h1>([^<]*)/)?.[1] ?? page);
    process.exit(0);
  }
  const isQuestion = page.includes('value="consent"') || page.includes('name="confirm"');
  if (answer === "deny" && isQuestion && page.includes("/abort")) {
    url = new URL(page.match(/href="([^"]*\/abort)"/)[1], url).href;
    continue;
  }
  const fields = [...page.matchAll(/<input[^>]*>/g)].map(([tag]) => {
    const name = attribute(tag, "name");
    return [name, attribute(tag, "value") ?? TYPED[name] ?? ""];
  });
  hasDenied = answer === "deny" && isQuestion;
  if (hasDenied) fields.push(["abort", "yes"]);
  body = new URLSearchParams(fields);
  url = new URL(attribute(form, "action"), url).href;
}
console.error("this goes in circles");
process.exit(1);
