// InEvent: a tokenID for a password; refusals are a reason phrase.

import { answers, http, same, shape } from "./check.js";

export const realm = "inevent";

const PERSON =
  "personID:string firstName:string lastName:string name:string username:string email:string " +
  "image:string timezone:string telephone:string facebookID:string linkedInID:string " +
  "twitterID:string date:string tokenID:string scope:string targetID:string";

export async function run(url, key) {
  const signIn = (password, query = {}) =>
    http.post(`${url}/`, new URLSearchParams({ password }), {
      params: { action: "person.signIn", username: key.username, ...query },
    });
  const person = (tokenID, query = {}) =>
    http.get(`${url}/`, { params: { action: "person.get", tokenID, ...query } });
  const refused = (name, answer, status, reason) => {
    answers(`inevent ${name}`, answer, status, "");
    same(`inevent ${name}: reason`, answer.statusText, reason);
    same(`inevent ${name}: header`, answer.headers["x-inevent-error"], reason);
  };

  let answer = await signIn(key.password);
  same("inevent sign-in: status", answer.status, 200);
  same("inevent sign-in: envelope", shape(answer.data), "count:number data:array");
  const [signedIn] = answer.data.data;
  same("inevent sign-in: members", shape(signedIn), PERSON);
  same("inevent sign-in: who", signedIn.username, key.username);

  answer = await person(signedIn.tokenID);
  same("inevent person.get: status", answer.status, 200);
  const [seen] = answer.data.data;
  same("inevent person.get: who", [seen.personID, seen.username], [signedIn.personID, key.username]);
  same("inevent person.get: scope", [seen.scope, seen.targetID], ["system", "0"]);

  answer = await signIn(key.event_password, { eventID: key.event_id });
  const [atEvent] = answer.data.data;
  same("inevent event: scope", [atEvent.scope, atEvent.targetID], ["event", key.event_id]);
  answer = await person(atEvent.tokenID, { eventID: key.event_id });
  same("inevent event: an Admin there acts as User", answer.data.data[0].level, "User");

  refused("wrong password", await signIn(`not-${key.password}`), 401, "invalid username or password");
  refused("no password", await signIn(""), 400, "password cannot be empty");
  refused("unknown token", await person("unknown"), 401, "tokenID is invalid");
}
