// Pitchpoint: a JWT and a refresh token for a password; the refresh token is kept.

import { answers, http, same, shape } from "./check.js";

export const realm = "pitchpoint";

const TOKENS =
  "access_token:string refresh_token:string scope:string token_type:string expires_in:number";

export async function run(url, key) {
  const oauth = `${url}/user-management-services-ws/oauth2/002`;
  const signIn = (password) =>
    http.post(`${oauth}/signInWithPassword`, { username: key.username, password });
  const refresh = (refresh_token) => http.post(`${oauth}/refreshIdToken`, { refresh_token });
  const orders = (body, token) =>
    http.post(`${url}/riskinsight-services-ws/resources/v1/orders/query`, body, {
      headers: token ? { Authorization: `Bearer ${token}` } : {},
    });

  let answer = await signIn(key.password);
  same("pitchpoint sign-in: status", answer.status, 200);
  const first = answer.data;
  same("pitchpoint sign-in: members", shape(first), TOKENS);
  same("pitchpoint sign-in: lifetime", first.expires_in, 3600);

  answer = await orders({ limit: 3 }, first.access_token);
  same("pitchpoint orders: status", answer.status, 200);
  const page = answer.data;
  same("pitchpoint orders: members", shape(page), "count:number limit:number nextMarker:string results:array");
  same("pitchpoint orders: page", [page.count, page.limit, page.results.length], [3, 3, 3]);

  answer = await refresh(first.refresh_token);
  same("pitchpoint refresh: status", answer.status, 200);
  const second = answer.data;
  same("pitchpoint refresh: members", shape(second), TOKENS);
  same("pitchpoint refresh: the same refresh token", second.refresh_token, first.refresh_token);
  answer = await orders({}, second.access_token);
  same("pitchpoint refresh: the new token works", answer.status, 200);

  answers("pitchpoint wrong password", await signIn(`not-${key.password}`), 403, {
    error_description: "Invalid username / password combination",
    error: "access_denied",
  });
  answers("pitchpoint unknown refresh token", await refresh("AMf-unknown"), 403, {
    error_description: "Invalid refresh token",
    error: "access_denied",
  });
  answer = await orders({});
  same("pitchpoint no token: status", answer.status, 401);
  same("pitchpoint no token: challenge", answer.headers["www-authenticate"], 'Bearer error="invalid_token"');
  same("pitchpoint no token: members", shape(answer.data), "error_description:string error:string");
}
