//! Rendering: a template and values become a text, in bounded time and size, or an error that says where and what.

use std::{io, sync::LazyLock};

use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, Value, escape_formatter, filters, tests,
    value::ValueKind,
};

use super::{allowed, context::VARIABLES};

/// What is wrong with a template.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{}{what}", .line.map_or_else(String::new, |line| format!("line {line}: ")))]
pub struct TemplateError {
    /// The line, from 1, where it is known.
    pub line: Option<usize>,
    /// What is wrong, in words.
    pub what: String,
}

impl TemplateError {
    pub(super) fn new(line: Option<usize>, what: impl Into<String>) -> Self {
        Self { line, what: what.into() }
    }
}

/// The longest output, in bytes.
const LONGEST: usize = 200_000;
/// The longest list put together in one piece, in bytes.
const LONGEST_JOINED: usize = 10_000;
/// How many steps a rendering may take.
const FUEL: u64 = 50_000;

/// A template that may be rendered.
#[derive(Debug)]
pub(super) struct Template<'a> {
    source: &'a str,
    compiled: minijinja::Template<'a, 'a>,
}

static TEXT: LazyLock<Environment<'static>> = LazyLock::new(|| environment(AutoEscape::None));
static HTML: LazyLock<Environment<'static>> = LazyLock::new(|| environment(AutoEscape::Html));

fn environment(escape: AutoEscape) -> Environment<'static> {
    // Nothing is there but what is put in: no loader, no functions, no way around the escaping.
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.set_debug(true);
    environment.set_auto_escape_callback(move |_| escape.clone());
    environment.set_formatter(|out, state, value| match value.kind() {
        ValueKind::Undefined => Err(Error::from(ErrorKind::UndefinedError)),
        ValueKind::None => Ok(()),
        ValueKind::String | ValueKind::Number | ValueKind::Bool => escape_formatter(out, state, value),
        _ => Err(invalid("cannot be written as a whole: name one of its members, or go through it with for")),
    });
    environment.add_filter("upper", filters::upper);
    environment.add_filter("lower", filters::lower);
    environment.add_filter("capitalize", filters::capitalize);
    environment.add_filter("trim", filters::trim);
    environment.add_filter("length", filters::length);
    environment.add_filter("first", filters::first);
    environment.add_filter("last", filters::last);
    environment.add_filter("default", filters::default);
    environment.add_filter("join", join);
    environment.add_test("defined", tests::is_defined);
    environment
}

fn invalid(what: &'static str) -> Error {
    Error::new(ErrorKind::InvalidOperation, what)
}

fn join(list: &Value, between: Option<&str>) -> Result<String, Error> {
    let mut joined = String::new();
    for (place, item) in list.try_iter()?.enumerate() {
        if place > 0 {
            joined.push_str(between.unwrap_or_default());
        }
        joined.push_str(item.as_str().ok_or_else(|| invalid("join takes a list of texts"))?);
        if joined.len() > LONGEST_JOINED {
            return Err(invalid("join makes too long a text"));
        }
    }
    Ok(joined)
}

impl<'a> Template<'a> {
    /// A template of text, or of HTML, which escapes what is put into it.
    pub(super) fn new(source: &'a str, html: bool) -> Result<Self, TemplateError> {
        allowed::check(source)?;
        let environment = if html { &HTML } else { &TEXT };
        let compiled = environment.template_from_str(source).map_err(|error| explained(&error, source))?;
        for name in compiled.undeclared_variables(true) {
            known(&name).map_err(|what| TemplateError::new(line_of(source, &name), what))?;
        }
        Ok(Self { source, compiled })
    }

    pub(super) fn render(&self, values: &Value) -> Result<String, TemplateError> {
        let mut output = Bounded(Vec::new());
        let rendered = self.compiled.render_captured_to(values.clone(), &mut output);
        rendered.map_err(|error| explained(&error, self.source))?;
        String::from_utf8(output.0).map_err(|_| TemplateError::new(None, "makes no text"))
    }
}

/// Whether there is a value of this name.
fn known(name: &str) -> Result<(), String> {
    let (first, member) = name.split_once('.').unwrap_or((name, ""));
    let begins = |text: &str| text.split(['.', '[']).next() == Some(first);
    if !VARIABLES.iter().any(|variable| begins(variable.name)) {
        return Err(format!("there is no \"{first}\": see the list of variables"));
    }
    let full = format!("{first}.{}", member.split('.').next().unwrap_or_default());
    let object =
        VARIABLES.iter().any(|variable| variable.name.split_once('.').is_some_and(|(start, _)| start == first));
    if object && !member.is_empty() && !VARIABLES.iter().any(|variable| variable.name == full) {
        return Err(format!("there is no \"{full}\": see the list of variables"));
    }
    Ok(())
}

fn line_of(source: &str, name: &str) -> Option<usize> {
    source.find(name).map(|at| source[..at].matches('\n').count() + 1)
}

/// Takes so much and no more.
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > LONGEST {
            return Err(io::Error::other("too long"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a failure means to whoever wrote the template.
pub(super) fn explained(error: &Error, source: &str) -> TemplateError {
    let place = error.range().and_then(|range| source.get(range)).map(str::trim).filter(|text| text.len() <= 80);
    let detail = error.detail().unwrap_or_default();
    let what = match error.kind() {
        ErrorKind::OutOfFuel => "takes too long: it goes round too often".to_owned(),
        ErrorKind::WriteFailure => format!("makes too long a text: more than {LONGEST} bytes"),
        ErrorKind::UndefinedError => match place {
            Some(place) => format!("{place} is not there: see the list of variables"),
            None => "names something that is not there: see the list of variables".to_owned(),
        },
        ErrorKind::UnknownFilter => format!("{detail}: see the list of filters"),
        ErrorKind::SyntaxError | ErrorKind::BadEscape => format!("cannot be read: {detail}"),
        _ => match place {
            Some(place) if !detail.is_empty() => format!("{place}: {detail}"),
            _ if detail.is_empty() => error.kind().to_string(),
            _ => detail.to_owned(),
        },
    };
    TemplateError::new(error.line(), what)
}
