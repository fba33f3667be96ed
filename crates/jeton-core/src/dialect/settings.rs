//! A realm's settings, which are kept as text, as the values a dialect knows them by.

use super::noun::Origin;
use super::{Dialect, Value, Values};

impl Dialect {
    /// The typed values of those `texts` that are settings of this dialect; a realm with several dialects has
    /// others beside them.
    ///
    /// # Errors
    /// A sentence, if a value does not have the setting's type or is none of its choices.
    pub fn settings<'t>(&self, texts: impl IntoIterator<Item = (&'t str, &'t str)>) -> Result<Values, String> {
        let mut values = Values::new();
        for (name, text) in texts {
            let field = self.fields.iter().find(|field| field.name == name && field.origin == Origin::Setting);
            let value = match field {
                Some(field) => {
                    field.kind.read(text).ok_or_else(|| format!("the setting `{name}` {}", field.kind.demand()))?
                }
                None if !self.choices(name).is_empty() => Value::from(text),
                None => continue,
            };
            values.set(name, value);
        }
        self.check_settings(&values)?;
        Ok(values)
    }
}
