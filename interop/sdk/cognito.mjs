// Amazon Cognito by its own SDK: one address, the action in a header.

import {
  CognitoIdentityProviderClient,
  GetTokensFromRefreshTokenCommand,
  GetUserCommand,
  GlobalSignOutCommand,
  InitiateAuthCommand,
  NotAuthorizedException,
  RevokeTokenCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { fails, holds, same } from "./lib.mjs";

const EMAIL = "ada@example.org";
const PASSWORD = "correct horse battery";
const ClientId = "1example23456789";

export async function arrange(jeton) {
  await jeton("person", "add", "cognito", EMAIL, "--email", EMAIL, "--given-name", "Ada", "--family-name", "Example",
    "--password-stdin", { input: PASSWORD });
}

export async function run(url) {
  // These actions are not signed; the SDK wants a region all the same.
  const client = new CognitoIdentityProviderClient({ endpoint: url, region: "eu-west-1", maxAttempts: 1 });
  const signIn = (PASSWORD) =>
    client.send(new InitiateAuthCommand({
      AuthFlow: "USER_PASSWORD_AUTH",
      AuthParameters: { USERNAME: EMAIL, ...(PASSWORD && { PASSWORD }) },
      ClientId,
    }));
  const refresh = (REFRESH_TOKEN) =>
    client.send(new InitiateAuthCommand({ AuthFlow: "REFRESH_TOKEN_AUTH", AuthParameters: { REFRESH_TOKEN }, ClientId }));
  const whoIs = (AccessToken) => client.send(new GetUserCommand({ AccessToken }));
  const refusal = (error) => [error.$metadata?.httpStatusCode, error.name, error.message];

  const { AuthenticationResult: first } = await signIn(PASSWORD);
  same("cognito sign-in", [first.TokenType, first.ExpiresIn], ["Bearer", 3600]);
  const user = await whoIs(first.AccessToken);
  const attribute = (name) => user.UserAttributes.find(({ Name }) => Name === name)?.Value;
  same("cognito GetUser", [user.Username, attribute("email"), attribute("name")], [EMAIL, EMAIL, "Ada Example"]);

  const { AuthenticationResult: second } = await refresh(first.RefreshToken);
  holds("cognito refresh: another access token", second.AccessToken && second.AccessToken !== first.AccessToken);
  same("cognito refresh: the refresh token stays", second.RefreshToken, undefined);
  const { AuthenticationResult: third } = await client.send(
    new GetTokensFromRefreshTokenCommand({ RefreshToken: first.RefreshToken, ClientId }));
  same("cognito GetUser after the refresh", (await whoIs(third.AccessToken)).Username, EMAIL);

  await fails("cognito wrong password", signIn("wrong horse battery"), refusal, [
    400, NotAuthorizedException.name, "Incorrect username or password.",
  ]);
  await fails("cognito without a password", signIn(undefined), refusal, [
    400, "InvalidParameterException", "Missing required parameter PASSWORD",
  ]);
  await fails("cognito GetUser with no token of its own", whoIs("eyJ.x.y"), refusal, [
    400, NotAuthorizedException.name, "Invalid Access Token",
  ]);

  await client.send(new RevokeTokenCommand({ Token: first.RefreshToken, ClientId }));
  await fails("cognito refresh after RevokeToken", refresh(first.RefreshToken), refusal, [
    400, NotAuthorizedException.name, "Refresh Token has been revoked",
  ]);
  const { AuthenticationResult: again } = await signIn(PASSWORD);
  await client.send(new GlobalSignOutCommand({ AccessToken: again.AccessToken }));
  await fails("cognito GetUser after GlobalSignOut", whoIs(again.AccessToken), refusal, [
    400, NotAuthorizedException.name, "Access Token has been revoked",
  ]);
}
