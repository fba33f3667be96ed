// Matrix by matrix-js-sdk: each refresh token is good once, and the client renews by itself.

import { createClient, MatrixError } from "matrix-js-sdk";
import { logger } from "matrix-js-sdk/lib/logger.js";
import { fails, holds, same } from "./lib.mjs";

const USERNAME = "ada";
const PASSWORD = "correct horse battery";
const USER_ID = "@ada:example.org";

export const realm = ["--set", "server_name=example.org"];

export async function arrange(jeton) {
  await jeton("person", "add", "matrix", USERNAME, "--password-stdin", { input: PASSWORD });
}

export async function run(url) {
  logger.disableAll();
  const anonymous = () => createClient({ baseUrl: url });
  const refusal = (error) => error instanceof MatrixError && [error.httpStatus, error.errcode, error.data.error];

  const login = await anonymous().loginRequest({
    type: "m.login.password",
    identifier: { type: "m.id.user", user: USERNAME },
    password: PASSWORD,
    device_id: "ADASPHONE",
    initial_device_display_name: "Ada's phone",
    refresh_token: true,
  });
  same("matrix sign-in: who", [login.user_id, login.device_id, login.expires_in_ms], [USER_ID, "ADASPHONE", 3_600_000]);
  const client = createClient({ baseUrl: url, accessToken: login.access_token, userId: login.user_id });
  same("matrix whoami", await client.whoami(), { user_id: USER_ID });

  const renewed = await client.refreshToken(login.refresh_token);
  holds("matrix refresh: both tokens are new",
    renewed.access_token !== login.access_token && renewed.refresh_token !== login.refresh_token);
  client.setAccessToken(renewed.access_token);
  same("matrix whoami after the refresh", await client.whoami(), { user_id: USER_ID });

  let asked = 0;
  const renewing = createClient({
    baseUrl: url,
    accessToken: "expired-a-while-ago",
    refreshToken: renewed.refresh_token,
    tokenRefreshFunction: async (refreshToken) => {
      asked += 1;
      const next = await anonymous().refreshToken(refreshToken);
      return { accessToken: next.access_token, refreshToken: next.refresh_token };
    },
  });
  same("matrix renews by itself", [await renewing.whoami(), asked], [{ user_id: USER_ID }, 1]);

  const old = await anonymous().loginWithPassword(USER_ID, PASSWORD);
  same("matrix sign-in as before there were identifiers, by the whole ID", old.user_id, USER_ID);
  holds("matrix sign-in: a device without a name gets one", old.device_id);

  await fails("matrix wrong password", anonymous().loginWithPassword(USERNAME, "wrong horse battery"), refusal, [
    403, "M_FORBIDDEN", "Invalid username or password",
  ]);
  await fails("matrix without a password", anonymous().login("m.login.password", { user: USERNAME }), refusal, [
    400, "M_MISSING_PARAM", "password is missing",
  ]);
  await fails("matrix whoami without a token", anonymous().whoami(), refusal, [
    401, "M_MISSING_TOKEN", "Missing access token",
  ]);

  same("matrix sign-out", await renewing.logout(), {});
  const ended = createClient({ baseUrl: url, accessToken: renewing.getAccessToken() });
  await fails("matrix whoami after the sign-out", ended.whoami(), refusal, [
    401, "M_UNKNOWN_TOKEN", "Unrecognised access token",
  ]);
  await fails("matrix refresh after the sign-out", anonymous().refreshToken(renewing.getRefreshToken()), refusal, [
    401, "M_UNKNOWN_TOKEN", "Unrecognised access token",
  ]);
}
