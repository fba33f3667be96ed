// Firebase Authentication by its own SDK, as it talks to the emulator.

import { initializeApp } from "firebase/app";
import { connectAuthEmulator, getAuth, reload, signInWithEmailAndPassword, signOut } from "firebase/auth";
import { fails, holds, same } from "./lib.mjs";

const EMAIL = "ada@example.org";
const PASSWORD = "correct horse battery";

export async function arrange(jeton) {
  await jeton("person", "add", "firebase", EMAIL, "--email", EMAIL, "--given-name", "Ada", "--family-name", "Example",
    "--password-stdin", { input: PASSWORD });
}

export async function run(url) {
  const auth = getAuth(initializeApp({ apiKey: "any", projectId: "demo-project" }));
  connectAuthEmulator(auth, url, { disableWarnings: true });
  const code = (error) => error.code;

  const { user } = await signInWithEmailAndPassword(auth, EMAIL, PASSWORD);
  same("firebase sign-in: who", [user.email, user.displayName, user.isAnonymous], [EMAIL, "Ada Example", false]);
  const { token, claims, signInProvider } = await user.getIdTokenResult();
  same("firebase token", [claims.sub, claims.email, claims.aud, signInProvider],
    [user.uid, EMAIL, "demo-project", "password"]);

  const renewed = await user.getIdToken(true);
  holds("firebase refresh", renewed.split(".").length === 3);
  await reload(user);
  same("firebase lookup", [user.email, user.displayName, user.providerData[0].providerId],
    [EMAIL, "Ada Example", "password"]);
  holds("firebase lookup: since when", Date.parse(user.metadata.creationTime) > 0);
  holds("firebase keeps the token", (await user.getIdToken()) === renewed && token !== "");

  await fails("firebase wrong password", signInWithEmailAndPassword(auth, EMAIL, "wrong horse battery"), code,
    "auth/invalid-credential");
  await fails("firebase without a password", signInWithEmailAndPassword(auth, EMAIL, ""), code, "auth/missing-password");
  await signOut(auth);
  same("firebase sign-out", auth.currentUser, null);
}
