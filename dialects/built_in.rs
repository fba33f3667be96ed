// The dialects compiled into the binary: name and file.
&[
    ("inevent", include_str!("inevent/dialect.toml")),
    ("pitchpoint", include_str!("pitchpoint/dialect.toml")),
    ("zro", include_str!("zro/dialect.toml")),
    ("ion", include_str!("ion/dialect.toml")),
]
