// Bluesky by its own client: the refresh token is shown as an access token is.

import { AtpAgent } from "@atproto/api";
import { fails, holds, same } from "./lib.mjs";

const HANDLE = "ada.example.org";
const DID = "did:plc:z72i7hdynmk6r22z27h6tvur";
const PASSWORD = "correct horse battery";

export async function arrange(jeton) {
  await jeton("person", "add", "bluesky", HANDLE, "--email", "ada@example.org", "--attribute", `did=${DID}`,
    "--password-stdin", { input: PASSWORD });
}

export async function run(url) {
  const agent = new AtpAgent({ service: url });
  const refusal = (error) => [error.status, error.error, error.message];

  const { data } = await agent.login({ identifier: HANDLE, password: PASSWORD });
  same("bluesky sign-in: who", [data.handle, data.did, data.active], [HANDLE, DID, true]);
  const session = await agent.com.atproto.server.getSession();
  same("bluesky call: who", [session.data.handle, session.data.did, session.data.email], [HANDLE, DID, "ada@example.org"]);

  await agent.sessionManager.refreshSession();
  holds("bluesky refresh: another access token", agent.session.accessJwt !== data.accessJwt);
  holds("bluesky refresh: another refresh token", agent.session.refreshJwt !== data.refreshJwt);
  same("bluesky refresh: the new token works", (await agent.com.atproto.server.getSession()).data.did, DID);

  const other = new AtpAgent({ service: url });
  await fails("bluesky wrong password", other.login({ identifier: HANDLE, password: "wrong horse battery" }), refusal,
    [401, "AuthenticationRequired", "Invalid identifier or password"]);
  await fails("bluesky no token", other.com.atproto.server.getSession(), refusal,
    [401, "AuthMissing", "Authentication Required"]);

  const { accessJwt } = agent.session;
  await agent.logout();
  await fails("bluesky sign-out: the token has ended",
    other.com.atproto.server.getSession({}, { headers: { authorization: `Bearer ${accessJwt}` } }), refusal,
    [400, "ExpiredToken", "Token has been revoked"]);
}
