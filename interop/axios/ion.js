// ION: OAuth client credentials, then GraphQL with the token bare, as Token or as Bearer.

import { answers, http, same, shape } from "./check.js";

export const realm = "ion";

const TOKEN =
  "access_token:string expires_in:number refresh_expires_in:number token_type:string " +
  "not-before-policy:number scope:string";

export async function run(url, key) {
  const ask = (form) =>
    http.post(`${url}/realms/api-keys/protocol/openid-connect/token`, new URLSearchParams(form));
  const graphql = (query, authorization) =>
    http.post(`${url}/graphql`, { query }, {
      headers: authorization ? { Authorization: authorization } : {},
    });
  const form = { grant_type: "client_credentials", audience: url, ...key };

  let answer = await ask(form);
  same("ion token: status", answer.status, 200);
  same("ion token: members", shape(answer.data), TOKEN);
  same("ion token: lifetimes", [answer.data.expires_in, answer.data.refresh_expires_in], [300, 0]);
  const token = answer.data.access_token;

  answer = await graphql("{ runs(first: 10) { edges { node { id title steps { id title } } } } }", token);
  same("ion runs: status", answer.status, 200);
  const { edges } = answer.data.data.runs;
  same("ion runs: page", edges.length, 10);
  same("ion runs: a run", shape(edges[0].node), "id:number title:string steps:array");
  same("ion runs: a step", shape(edges[0].node.steps[0]), "id:number title:string");
  for (const scheme of ["Bearer", "Token"]) {
    answer = await graphql("{ me { id name organization { domain } } }", `${scheme} ${token}`);
    same(`ion me as ${scheme}: status`, answer.status, 200);
    same(`ion me as ${scheme}: members`, shape(answer.data.data.me), "id:number name:string organization:object");
  }

  // There is no refresh token with this grant: one asks again.
  answer = await ask(form);
  same("ion asking again: another token", answer.data.access_token !== token, true);

  answers("ion wrong secret", await ask({ ...form, client_secret: `not-${key.client_secret}` }), 401, {
    error: "invalid_client",
    error_description: "Invalid client or Invalid client credentials",
  });
  answers("ion no grant type", await ask(key), 400, {
    error: "invalid_request",
    error_description: "Missing form parameter: grant_type",
  });
  answers("ion no token", await graphql("{ me { id } }"), 401, {
    errors: [{ message: "Please provide proper credentials" }],
  });
}
