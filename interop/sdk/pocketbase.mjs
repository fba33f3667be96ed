// PocketBase by its own client: the token is renewed by showing it.

import PocketBase, { ClientResponseError } from "pocketbase";
import { fails, holds, same } from "./lib.mjs";

const EMAIL = "ada@example.org";
const PASSWORD = "correct horse battery";

export async function arrange(jeton) {
  await jeton("person", "add", "pocketbase", EMAIL, "--email", EMAIL, "--given-name", "Ada", "--family-name", "Example",
    "--password-stdin", { input: PASSWORD });
}

export async function run(url) {
  const client = new PocketBase(url);
  const users = client.collection("users");
  const refusal = (error) => error instanceof ClientResponseError && error.response;

  const { record, token } = await users.authWithPassword(EMAIL, PASSWORD);
  same("pocketbase sign-in: who", [record.email, record.name, record.collectionName], [EMAIL, "Ada Example", "users"]);
  holds("pocketbase sign-in: the store takes the token", client.authStore.isValid && client.authStore.token === token);

  same("pocketbase call: who", (await users.getOne(record.id)).email, EMAIL);

  const renewed = await users.authRefresh();
  same("pocketbase refresh: who", renewed.record.id, record.id);
  holds("pocketbase refresh: another token", client.authStore.isValid && renewed.token !== token);

  await fails("pocketbase wrong password", users.authWithPassword(EMAIL, "wrong horse battery"), refusal, {
    data: {},
    message: "Failed to authenticate.",
    status: 400,
  });
  await fails("pocketbase no password", users.authWithPassword(EMAIL, ""), refusal, {
    data: { password: { code: "validation_required", message: "Cannot be blank." } },
    message: "An error occurred while validating the submitted data.",
    status: 400,
  });
  await fails("pocketbase call about somebody else", users.getOne("z72i7hdynmk6r22"), refusal, {
    data: {},
    message: "The requested resource wasn't found.",
    status: 404,
  });
  client.authStore.clear();
  await fails("pocketbase refresh without a token", users.authRefresh(), refusal, {
    data: {},
    message: "The request requires valid record authorization token.",
    status: 401,
  });
}
