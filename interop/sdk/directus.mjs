// Directus by its own client, which keeps the refresh token and gives it back in the body.

import { authentication, createDirectus, readMe, rest } from "@directus/sdk";
import { fails, holds, same } from "./lib.mjs";

const EMAIL = "ada@example.org";
const PASSWORD = "correct horse battery";

export async function arrange(jeton) {
  await jeton("person", "add", "directus", EMAIL, "--email", EMAIL, "--given-name", "Ada", "--family-name", "Example",
    "--password-stdin", { input: PASSWORD });
}

export async function run(url) {
  const client = createDirectus(url).with(authentication("json", { autoRefresh: false })).with(rest());
  const refusal = (error) => [error.response.status, error.errors[0].extensions.code];

  const signedIn = await client.login(EMAIL, PASSWORD);
  same("directus sign-in: fifteen minutes", signedIn.expires, 900_000);
  const me = await client.request(readMe());
  same("directus call: who", [me.email, me.first_name, me.last_name], [EMAIL, "Ada", "Example"]);

  const refreshed = await client.refresh();
  holds("directus refresh: another access token", refreshed.access_token !== signedIn.access_token);
  holds("directus refresh: another refresh token", refreshed.refresh_token !== signedIn.refresh_token);
  same("directus refresh: the new token works", (await client.request(readMe())).id, me.id);

  await fails("directus wrong password", client.login(EMAIL, "wrong horse battery"), refusal, [401, "INVALID_CREDENTIALS"]);

  const other = createDirectus(url).with(authentication("json", { autoRefresh: false })).with(rest());
  const { access_token, refresh_token } = await other.login(EMAIL, PASSWORD);
  await other.logout();
  await other.setToken(access_token);
  await fails("directus sign-out: the token has ended", other.request(readMe()), refusal, [403, "INVALID_TOKEN"]);
  const body = JSON.stringify({ refresh_token, mode: "json" });
  const again = await fetch(`${url}/auth/refresh`, { method: "POST", headers: { "Content-Type": "application/json" }, body });
  same("directus sign-out: the refresh token has ended", again.status, 401);
}
