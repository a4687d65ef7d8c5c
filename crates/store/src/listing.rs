//! What lists with optional filters share: beginnings of text, keys to go on after, and lists put together from parts.

use sea_query::{Expr, ExprTrait, Order, SelectStatement};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Where a row stands in a sorted list: what it is sorted by, and its id where that is equal.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Key {
    /// The text or number it is sorted by; null in lists by id.
    pub by: By,
    /// Its id.
    pub id: Uuid,
}

/// What a row is sorted by beside its id.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum By {
    /// Nothing.
    Id,
    /// A number.
    Number(i64),
    /// A text, byte by byte.
    Text(String),
}

/// The most items of a list that starts a query for each of them.
pub(crate) const MOST_PARTS: usize = 32;

/// The text as typed and in the other usual spellings, because indexes know only the exact one.
pub(crate) fn spellings(text: &str) -> Vec<String> {
    let titled = |word: &str| {
        let mut chars = word.chars();
        chars.next().map(|first| first.to_uppercase().chain(chars).collect::<String>()).unwrap_or_default()
    };
    let words: Vec<String> = text.split(' ').map(titled).collect();
    let mut spellings = vec![text.to_owned(), titled(text), words.join(" "), text.to_lowercase(), text.to_uppercase()];
    spellings.sort_unstable();
    spellings.dedup();
    spellings
}

/// Whether a column begins with a text, as a range that an index can find.
pub(crate) fn begins(column: Expr, text: &str) -> Expr {
    column.clone().gte(text).and(column.lt(format!("{text}{}", char::MAX)))
}

/// Any of several conditions; false if there are none.
pub(crate) fn any(conditions: impl IntoIterator<Item = Expr>) -> Expr {
    conditions.into_iter().reduce(ExprTrait::or).unwrap_or_else(|| Expr::cust("1 = 0"))
}

/// Sorts by a column, if there is one, and the id, and goes on after a key.
pub(crate) fn sort(select: &mut SelectStatement, by: Option<Expr>, id: &Expr, descending: bool, after: Option<&Key>) {
    let order = if descending { Order::Desc } else { Order::Asc };
    let beyond = |place: Expr, key: Expr| if descending { place.lt(key) } else { place.gt(key) };
    if let Some(key) = after {
        let key_by = match &key.by {
            By::Id => None,
            By::Number(number) => Some(Expr::val(*number)),
            By::Text(text) => Some(Expr::val(text)),
        };
        select.and_where(match (by.clone(), key_by) {
            (Some(by), Some(key_by)) => beyond(Expr::tuple([by, id.clone()]), Expr::tuple([key_by, Expr::val(key.id)])),
            _ => beyond(id.clone(), Expr::val(key.id)),
        });
    }
    if let Some(by) = by {
        select.order_by_expr(by, order.clone());
    }
    select.order_by_expr(id.clone(), order);
}

/// One sorted list from the sorted parts of it, which may overlap.
pub(crate) fn merge<T>(mut rows: Vec<T>, key: impl Fn(&T) -> Key, descending: bool, limit: u32) -> Vec<T> {
    rows.sort_by_cached_key(&key);
    rows.dedup_by_key(|row| key(row).id);
    if descending {
        rows.reverse();
    }
    rows.truncate(limit as usize);
    rows
}
