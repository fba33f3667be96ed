//! The twelve APIs. Pages are in our own words, with the curl lines that each API's documentation prints.

use jeton_core::dialect::GrantName::{ApiKey, ClientCredentials, End, Password, Refresh, Renew};

use super::{Api, Talk};

/// What every test of a sign-in with a name and a password types.
const ADA: &[(&str, &str)] = &[("username", "ada"), ("password", "p&w")];
const REFRESHING: &[(&str, &str)] = &[("refresh_token", "tok-r")];

pub(super) const APIS: &[Api] = &[
    Api {
        name: "inevent",
        page: include_str!("inevent.txt"),
        edits: &[
            (
                "POST /?action=person.signIn&username={{username}}\n",
                "POST /?action=person.signIn&username={{username}}&eventID={{target.number?}}\n",
            ),
            ("\"{{_=0}}\"", "\"{{target.number=0}}\""),
        ],
        below: "",
        talks: &[
            Talk {
                grant: Password,
                request: "POST /?action=person.signIn&username=ada\nContent-Type: application/x-www-form-urlencoded\n\npassword=p%26w",
                says: ADA,
                answer: (200, INEVENT),
            },
            Talk {
                grant: Password,
                request: "POST /?eventID=9&username=ada&action=person.signIn\nContent-Type: application/x-www-form-urlencoded\n\npassword=p%26w",
                says: &[("username", "ada"), ("password", "p&w"), ("target.number", "9")],
                answer: (200, INEVENT),
            },
        ],
    },
    Api {
        name: "pitchpoint",
        page: include_str!("pitchpoint.txt"),
        edits: &[
            ("\"password\":\"{{password}}\"}", "\"password\":\"{{password}}\",\"useralias\":\"{{act_as?}}\"}"),
            (
                "end = { after = \"30d\" }",
                "end = { after = \"24h\", round_up_to = \"midnight\", zone = \"America/New_York\" }",
            ),
        ],
        below: "",
        talks: &[
            Talk {
                grant: Password,
                request: "POST /user-management-services-ws/oauth2/002/signInWithPassword\nContent-Type: application/json\n\n{\"username\":\"ada\",\"password\":\"p&w\",\"useralias\":\"bob\"}",
                says: &[("username", "ada"), ("password", "p&w"), ("act_as", "bob")],
                answer: (200, r#"{"access_token":"ACCESS","refresh_token":"REFRESH","expires_in":3600}"#),
            },
            Talk {
                grant: Refresh,
                request: "POST /user-management-services-ws/oauth2/002/refreshIdToken\nContent-Type: application/json\n\n{\"refresh_token\":\"tok-r\"}",
                says: REFRESHING,
                answer: (200, r#"{"access_token":"ACCESS","refresh_token":"REFRESH","expires_in":3600}"#),
            },
        ],
    },
    Api {
        name: "ion",
        page: include_str!("ion.txt"),
        edits: &[],
        below: "",
        talks: &[Talk {
            grant: ClientCredentials,
            request: "POST /realms/api-keys/protocol/openid-connect/token\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=c&grant_type=client_credentials&client_secret=s%2B",
            says: &[("client_id", "c"), ("client_secret", "s+")],
            answer: (200, r#"{"access_token":"ACCESS","token_type":"Bearer","expires_in":3600}"#),
        }],
    },
    Api {
        name: "zro",
        page: include_str!("zro.txt"),
        edits: &[("POST /endpoint\n", "POST /auth/singin\n")],
        below: "",
        talks: &[Talk {
            grant: ApiKey,
            request: "POST /auth/singin\nContent-Type: application/json\n\n{\"api_key\":\"s\",\"api_id\":\"b0a58d0e-9a3f-4c34-8c5e-1f6a2d7c9e11\"}",
            says: &[("key_id", "b0a58d0e-9a3f-4c34-8c5e-1f6a2d7c9e11"), ("key_secret", "s")],
            answer: (200, r#"{"access_token":"ACCESS"}"#),
        }],
    },
    Api {
        name: "pocketbase",
        page: include_str!("pocketbase.txt"),
        edits: &[],
        below: "",
        talks: &[
            Talk {
                grant: Password,
                request: "POST /api/collections/users/auth-with-password\nContent-Type: application/json\n\n{\"identity\":\"ada\",\"password\":\"p&w\"}",
                says: ADA,
                answer: (200, POCKETBASE),
            },
            Talk {
                grant: Renew,
                request: "POST /api/collections/users/auth-refresh\nAuthorization: tok-a",
                says: &[("access_token", "tok-a")],
                answer: (200, POCKETBASE),
            },
        ],
    },
    Api {
        name: "directus",
        page: include_str!("directus.txt"),
        edits: &[("\"password\":\"{{password}}\"}", "\"password\":\"{{password}}\",\"mode\":\"{{_=json}}\"}")],
        below: "",
        talks: &[
            Talk {
                grant: Password,
                request: "POST /auth/login\nContent-Type: application/json\n\n{\"email\":\"ada\",\"password\":\"p&w\",\"mode\":\"json\"}",
                says: ADA,
                answer: (200, DIRECTUS),
            },
            Talk {
                grant: Refresh,
                request: "POST /auth/refresh\nContent-Type: application/json\n\n{\"refresh_token\":\"tok-r\",\"mode\":\"json\"}",
                says: REFRESHING,
                answer: (200, DIRECTUS),
            },
            Talk {
                grant: End,
                request: "POST /auth/logout\nContent-Type: application/json\n\n{\"refresh_token\":\"tok-r\",\"mode\":\"json\"}",
                says: REFRESHING,
                answer: (204, ""),
            },
        ],
    },
    Api {
        name: "bluesky",
        page: include_str!("bluesky.txt"),
        edits: &[],
        below: "",
        talks: &[
            Talk {
                grant: Password,
                request: "POST /xrpc/com.atproto.server.createSession\nContent-Type: application/json\n\n{\"identifier\":\"ada\",\"password\":\"p&w\"}",
                says: ADA,
                answer: (
                    200,
                    r#"{"did":"id-7","handle":"ada","email":"ada@example.org","emailConfirmed":true,"accessJwt":"ACCESS","refreshJwt":"REFRESH","active":true}"#,
                ),
            },
            Talk {
                grant: Refresh,
                request: "POST /xrpc/com.atproto.server.refreshSession\nAuthorization: Bearer tok-r",
                says: REFRESHING,
                answer: (200, r#"{"accessJwt":"ACCESS","refreshJwt":"REFRESH","handle":"ada","did":"id-7"}"#),
            },
            Talk {
                grant: End,
                request: "POST /xrpc/com.atproto.server.deleteSession\nAuthorization: Bearer tok-r",
                says: REFRESHING,
                answer: (200, ""),
            },
        ],
    },
    Api {
        name: "supabase",
        page: include_str!("supabase.txt"),
        edits: &[],
        below: "/auth/v1",
        talks: &[
            Talk {
                grant: Password,
                request: "POST /auth/v1/token?grant_type=password\napikey: anon\nContent-Type: application/json\n\n{\"email\":\"ada\",\"password\":\"p&w\"}",
                says: &[("username", "ada"), ("password", "p&w"), ("apikey", "anon")],
                answer: (200, SUPABASE),
            },
            Talk {
                grant: Refresh,
                request: "POST /auth/v1/token?grant_type=refresh_token\napikey: anon\nContent-Type: application/json\n\n{\"refresh_token\":\"tok-r\"}",
                says: &[("refresh_token", "tok-r"), ("apikey", "anon")],
                answer: (200, SUPABASE),
            },
            Talk {
                grant: End,
                request: "POST /auth/v1/logout\napikey: anon\nAuthorization: Bearer tok-a",
                says: &[("access_token", "tok-a"), ("apikey", "anon")],
                answer: (204, ""),
            },
        ],
    },
    Api {
        name: "matrix",
        page: include_str!("matrix.txt"),
        edits: &[],
        below: "",
        talks: &[
            Talk {
                grant: Password,
                request: "POST /_matrix/client/v3/login\nContent-Type: application/json\n\n{\"type\":\"m.login.password\",\"identifier\":{\"type\":\"m.id.user\",\"user\":\"ada\"},\"password\":\"p&w\"}",
                says: ADA,
                answer: (
                    200,
                    r#"{"user_id":"id-7","access_token":"ACCESS","device_id":"GHTYAJCE","expires_in_ms":3600000,"refresh_token":"REFRESH","home_server":"example.org"}"#,
                ),
            },
            Talk {
                grant: Refresh,
                request: "POST /_matrix/client/v3/refresh\nContent-Type: application/json\n\n{\"refresh_token\":\"tok-r\"}",
                says: REFRESHING,
                answer: (200, r#"{"access_token":"ACCESS","expires_in_ms":3600000,"refresh_token":"REFRESH"}"#),
            },
            Talk {
                grant: End,
                request: "POST /_matrix/client/v3/logout\nAuthorization: Bearer tok-a",
                says: &[("access_token", "tok-a")],
                answer: (200, "{}"),
            },
        ],
    },
    Api {
        name: "cognito",
        page: include_str!("cognito.txt"),
        edits: &[],
        below: "",
        talks: &[
            Talk {
                grant: Password,
                request: "POST /\nX-Amz-Target: AWSCognitoIdentityProviderService.InitiateAuth\nContent-Type: application/x-amz-json-1.1\n\n{\"AuthFlow\":\"USER_PASSWORD_AUTH\",\"AuthParameters\":{\"USERNAME\":\"ada\",\"PASSWORD\":\"p&w\"},\"ClientId\":\"c\"}",
                says: &[("username", "ada"), ("password", "p&w"), ("client_id", "c")],
                answer: (200, COGNITO),
            },
            Talk {
                grant: Refresh,
                request: "POST /\nX-Amz-Target: AWSCognitoIdentityProviderService.InitiateAuth\nContent-Type: application/x-amz-json-1.1\n\n{\"AuthFlow\":\"REFRESH_TOKEN_AUTH\",\"AuthParameters\":{\"REFRESH_TOKEN\":\"tok-r\"},\"ClientId\":\"c\"}",
                says: &[("refresh_token", "tok-r"), ("client_id", "c")],
                answer: (200, COGNITO),
            },
        ],
    },
    Api {
        name: "firebase",
        page: include_str!("firebase.txt"),
        edits: &[],
        below: "",
        talks: &[
            Talk {
                grant: Password,
                request: "POST /v1/accounts:signInWithPassword?key=k\nContent-Type: application/json\n\n{\"email\":\"ada\",\"password\":\"p&w\",\"returnSecureToken\":true}",
                says: &[("username", "ada"), ("password", "p&w"), ("key", "k")],
                answer: (
                    200,
                    r#"{"localId":"id-7","email":"ada@example.org","displayName":"Ada Example","idToken":"ACCESS","registered":true,"refreshToken":"REFRESH","expiresIn":"3600"}"#,
                ),
            },
            Talk {
                grant: Refresh,
                request: "POST /v1/token?key=k\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=refresh_token&refresh_token=tok-r",
                says: &[("refresh_token", "tok-r"), ("key", "k")],
                answer: (
                    200,
                    r#"{"expires_in":"3600","token_type":"Bearer","refresh_token":"REFRESH","id_token":"ACCESS","user_id":"id-7","project_id":"1234567890"}"#,
                ),
            },
        ],
    },
    Api {
        name: "auth0",
        page: include_str!("auth0.txt"),
        edits: &[],
        below: "",
        talks: &[Talk {
            grant: ClientCredentials,
            request: "POST /oauth/token\nContent-Type: application/json\n\n{\"client_id\":\"c\",\"client_secret\":\"s\",\"audience\":\"https://api.example/\",\"grant_type\":\"client_credentials\"}",
            says: &[("client_id", "c"), ("client_secret", "s"), ("audience", "https://api.example/")],
            answer: (200, r#"{"access_token":"ACCESS","token_type":"Bearer","expires_in":3600}"#),
        }],
    },
];

const INEVENT: &str = r#"{"count":1,"data":[{"personID":"7","firstName":"Ada","lastName":"Example","name":"Ada Example","username":"ada","email":"ada@example.org","image":"","timezone":"","telephone":"","facebookID":"","linkedInID":"","twitterID":"","date":"1600000000","tokenID":"ACCESS","scope":"system","targetID":"0"}]}"#;
const POCKETBASE: &str = r#"{"record":{"collectionId":"_pb_users_auth_","collectionName":"users","id":"id-7","email":"ada@example.org","emailVisibility":false,"verified":true,"name":"Ada Example","avatar":"","created":"2020-09-13T12:26:40Z"},"token":"ACCESS"}"#;
const DIRECTUS: &str = r#"{"data":{"expires":3600000,"refresh_token":"REFRESH","access_token":"ACCESS"}}"#;
const SUPABASE: &str = r#"{"access_token":"ACCESS","token_type":"bearer","expires_in":3600,"expires_at":1768493100,"refresh_token":"REFRESH","user":{"id":"id-7","aud":"authenticated","role":"authenticated","email":"ada@example.org","phone":"","app_metadata":{"provider":"email","providers":["email"]},"user_metadata":{},"created_at":"2020-09-13T12:26:40Z"}}"#;
const COGNITO: &str = r#"{"AuthenticationResult":{"AccessToken":"ACCESS","ExpiresIn":3600,"RefreshToken":"REFRESH","TokenType":"Bearer"},"ChallengeParameters":{}}"#;
