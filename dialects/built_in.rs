// The dialects compiled into the binary: name and file.
&[
    ("inevent", include_str!("inevent/dialect.toml")),
    ("pitchpoint", include_str!("pitchpoint/dialect.toml")),
    ("zro", include_str!("zro/dialect.toml")),
    ("ion", include_str!("ion/dialect.toml")),
    ("bluesky", include_str!("bluesky/dialect.toml")),
    ("directus", include_str!("directus/dialect.toml")),
    ("mattermost", include_str!("mattermost/dialect.toml")),
    ("pocketbase", include_str!("pocketbase/dialect.toml")),
    ("supabase", include_str!("supabase/dialect.toml")),
    ("matrix", include_str!("matrix/dialect.toml")),
    ("cognito", include_str!("cognito/dialect.toml")),
    ("firebase", include_str!("firebase/dialect.toml")),
    ("auth0", include_str!("auth0/dialect.toml")),
]
