// Mattermost by its own client: the token comes in a header of the answer, and is not renewed.

import mattermost from "@mattermost/client";
import { fails, holds, same } from "./lib.mjs";

const EMAIL = "ada@example.org";
const PASSWORD = "correct horse battery";

export async function arrange(jeton) {
  await jeton("person", "add", "mattermost", EMAIL, "--email", EMAIL, "--given-name", "Ada",
    "--password-stdin", { input: PASSWORD });
}

export async function run(url) {
  const client = new mattermost.Client4();
  client.setUrl(url);
  const refusal = (error) => [error.status_code, error.server_error_id];

  const user = await client.login(EMAIL, PASSWORD);
  same("mattermost sign-in: who", [user.email, user.first_name, user.roles], [EMAIL, "Ada", "system_user"]);
  holds("mattermost sign-in: the client took the token from the header", /^[0-9A-Za-z]{43}$/.test(client.getToken()));
  same("mattermost call: who", (await client.getMe()).id, user.id);

  const other = new mattermost.Client4();
  other.setUrl(url);
  await fails("mattermost wrong password", other.login(EMAIL, "wrong horse battery"), refusal,
    [401, "api.user.login.invalid_credentials_email_username"]);
  await fails("mattermost no token", other.getMe(), refusal, [401, "api.context.session_expired.app_error"]);

  other.setToken(client.getToken());
  await client.logout();
  await fails("mattermost sign-out: the token has ended", other.getMe(), refusal,
    [401, "api.context.session_expired.app_error"]);
}
