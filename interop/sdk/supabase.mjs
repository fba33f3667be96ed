// Supabase Auth by its own client.

import { AuthClient } from "@supabase/auth-js";
import { holds, same } from "./lib.mjs";

const EMAIL = "ada@example.org";
const PASSWORD = "correct horse battery";

export async function arrange(jeton) {
  await jeton("person", "add", "supabase", EMAIL, "--email", EMAIL, "--password-stdin", { input: PASSWORD });
}

export async function run(url) {
  const client = new AuthClient({ url: `${url}/auth/v1`, headers: { apikey: "publishable" }, autoRefreshToken: false });
  const refusal = ({ error }) => error && [error.status, error.code, error.message];

  const signedIn = await client.signInWithPassword({ email: EMAIL, password: PASSWORD });
  same("supabase sign-in: no error", signedIn.error, null);
  const { user, session } = signedIn.data;
  same("supabase sign-in: who", [user.email, user.role, session.token_type], [EMAIL, "authenticated", "bearer"]);
  same("supabase call: who", (await client.getUser()).data.user.id, user.id);

  const refreshed = await client.refreshSession();
  same("supabase refresh: no error", refreshed.error, null);
  holds("supabase refresh: another access token", refreshed.data.session.access_token !== session.access_token);
  holds("supabase refresh: another refresh token", refreshed.data.session.refresh_token !== session.refresh_token);
  same("supabase refresh: the new token works", (await client.getUser()).data.user.id, user.id);

  same("supabase wrong password", refusal(await client.signInWithPassword({ email: EMAIL, password: "wrong horse battery" })),
    [400, "invalid_credentials", "Invalid login credentials"]);
  same("supabase refresh with something else", refusal(await client.refreshSession({ refresh_token: "something else" })),
    [400, "refresh_token_not_found", "Invalid Refresh Token: Refresh Token Not Found"]);

  const { access_token } = refreshed.data.session;
  await client.setSession(refreshed.data.session);
  same("supabase sign-out: no error", (await client.signOut()).error, null);
  // This is what the client makes of 403 with the code session_not_found.
  same("supabase sign-out: the token has ended", refusal(await client.getUser(access_token)),
    [400, undefined, "Auth session missing!"]);
}
