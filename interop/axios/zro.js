// Zro: a JWT for an API key; the old token is what the next one is got with.

import { randomUUID } from "node:crypto";
import { answers, http, same, shape } from "./check.js";

export const realm = "zro";

export async function run(url, key) {
  const signIn = (body) => http.post(`${url}/auth/singin`, body);
  const wallets = (token) =>
    http.get(`${url}/operations/wallets`, {
      headers: { Authorization: `Bearer ${token}`, nonce: randomUUID() },
    });

  let answer = await signIn(key);
  same("zro sign-in: status", answer.status, 200);
  same("zro sign-in: members", shape(answer.data), "access_token:string");
  const token = answer.data.access_token;

  answer = await wallets(token);
  same("zro wallets: status", answer.status, 200);
  same("zro wallets: envelope", shape(answer.data), "success:boolean data:object error:null");
  same(
    "zro wallets: page",
    shape(answer.data.data),
    "page:number page_size:number page_total:number total:number data:array",
  );

  answer = await http.post(`${url}/auth/refresh-token`, undefined, {
    headers: { "x-access-token": token, nonce: randomUUID() },
  });
  same("zro refresh: status", answer.status, 200);
  same("zro refresh: members", shape(answer.data), "access_token:string");
  answer = await wallets(answer.data.access_token);
  same("zro refresh: the new token works", answer.status, 200);
  answers("zro refresh: the old token has ended", await wallets(token), 401, {
    success: false,
    data: null,
    error: "AUTH",
    message: "Access is denied.",
    code: "UNAUTHORIZED",
  });

  answers("zro wrong key", await signIn({ ...key, api_key: `not-${key.api_key}` }), 401, {
    code: 401,
    message: "User authentication failed",
  });
  answers("zro no key", await signIn({ api_id: key.api_id }), 400, {
    code: 400,
    message: "If any required params are missing or has invalid format or type.",
  });
}
