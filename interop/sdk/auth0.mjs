// Auth0 by its own SDK, which proves itself as a client beside the person.

import { AuthenticationClient, UserInfoClient } from "auth0/legacy";
import { fails, holds, same } from "./lib.mjs";

const EMAIL = "ada@example.org";
const PASSWORD = "correct horse battery";
let client;

export async function arrange(jeton) {
  await jeton("person", "add", "auth0", EMAIL, "--email", EMAIL, "--given-name", "Ada", "--family-name", "Example",
    "--password-stdin", { input: PASSWORD });
  client = await jeton("client", "add", "auth0", "my-program");
}

export async function run(url) {
  const domain = new URL(url).host;
  const program = { domain, clientId: client.client_id, clientSecret: client.client_secret };
  const { oauth } = new AuthenticationClient(program);
  const stranger = new AuthenticationClient({ ...program, clientSecret: "wrong" });
  const whoIs = async (token) => (await new UserInfoClient({ domain }).getUserInfo(token)).data;
  const refusal = (error) => [error.statusCode, error.error, error.error_description];

  // A new one each time: the SDK writes its own secret into what it is given.
  const person = (more) => ({ username: EMAIL, password: PASSWORD, scope: "openid offline_access", ...more });
  const { data: first } = await oauth.passwordGrant(person());
  same("auth0 sign-in", [first.token_type, first.expires_in], ["Bearer", 86_400]);
  const who = await whoIs(first.access_token);
  same("auth0 userinfo", [who.email, who.name, who.sub.startsWith("auth0|")], [EMAIL, "Ada Example", true]);
  const { data: named } = await oauth.passwordGrant(person({ realm: "Username-Password-Authentication" }));
  holds("auth0 sign-in at a named connection", named.access_token);

  const { data: second } = await oauth.refreshTokenGrant({ refresh_token: first.refresh_token });
  same("auth0 userinfo after the refresh", (await whoIs(second.access_token)).sub, who.sub);
  const { data: own } = await oauth.clientCredentialsGrant({ audience: "https://api.example.org" });
  same("auth0 client credentials", [own.token_type, own.access_token.split(".").length], ["Bearer", 3]);

  await fails("auth0 wrong password", oauth.passwordGrant(person({ password: "wrong horse battery" })), refusal, [
    403, "invalid_grant", "Wrong email or password.",
  ]);
  const unauthorized = [401, "access_denied", "Unauthorized"];
  await fails("auth0 wrong client secret beside a person", stranger.oauth.passwordGrant(person()), refusal, unauthorized);
  await fails("auth0 wrong client secret", stranger.oauth.clientCredentialsGrant({ audience: "any" }), refusal,
    unauthorized);
  await fails("auth0 userinfo with no token of its own", whoIs("eyJ.x.y"), (error) => [error.statusCode, error.body], [
    401, "Unauthorized",
  ]);

  await oauth.revokeRefreshToken({ token: first.refresh_token });
  await fails("auth0 refresh after the revocation", oauth.refreshTokenGrant({ refresh_token: first.refresh_token }),
    refusal, [403, "invalid_grant", "Unknown or invalid refresh token."]);
}
