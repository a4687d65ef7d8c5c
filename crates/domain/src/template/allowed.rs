//! What templates may be made of.
//!
//! Steps and output are counted while a template is rendered; a text that is doubled in memory again and again is not.
//! So everything that puts texts or lists together is left out: what remains grows with its output only. So is all that
//! would switch the escaping off.

use minijinja::{
    machinery::{
        self, Token,
        ast::{BinOpKind, CallArg, Expr, Stmt},
    },
    syntax::SyntaxConfig,
};

use super::render::{TemplateError, explained};

/// The most tags of statements in a template, which bounds how deep they nest.
const MOST_STATEMENTS: usize = 200;
/// The most words and signs in one tag, which bounds how deep expressions nest.
const MOST_TOKENS: usize = 200;

/// Whether a template is made of what it may be made of.
pub(super) fn check(source: &str) -> Result<(), TemplateError> {
    let (mut statements, mut tokens) = (0, 0);
    for token in machinery::tokenize(source, false, SyntaxConfig::default()) {
        let (token, span) = token.map_err(|error| explained(&error, source))?;
        let line = Some(usize::from(span.start_line));
        tokens += 1;
        match token {
            Token::TemplateData(_) | Token::VariableStart => tokens = 0,
            Token::BlockStart => (statements, tokens) = (statements + 1, 0),
            _ => {}
        }
        if statements > MOST_STATEMENTS {
            return Err(TemplateError::new(line, format!("has more than {MOST_STATEMENTS} tags")));
        }
        if tokens > MOST_TOKENS {
            return Err(TemplateError::new(line, "has too long an expression"));
        }
    }
    let parsed = machinery::parse(source, "template", SyntaxConfig::default());
    statement(&parsed.map_err(|error| explained(&error, source))?)
}

fn all<'a>(statements: impl IntoIterator<Item = &'a Stmt<'a>>) -> Result<(), TemplateError> {
    statements.into_iter().try_for_each(statement)
}

fn statement(one: &Stmt<'_>) -> Result<(), TemplateError> {
    let refused = |line: u16, what: &str| Err(TemplateError::new(Some(line.into()), format!("{what} cannot be used")));
    match one {
        Stmt::Template(template) => all(&template.children),
        Stmt::EmitExpr(emit) => expression(&emit.expr),
        Stmt::EmitRaw(_) => Ok(()),
        Stmt::ForLoop(looped) => {
            if looped.recursive {
                return refused(looped.span().start_line, "a recursive for");
            }
            expression(&looped.target)?;
            expression(&looped.iter)?;
            looped.filter_expr.as_ref().map_or(Ok(()), expression)?;
            all(looped.body.iter().chain(&looped.else_body))
        }
        Stmt::IfCond(condition) => {
            expression(&condition.expr)?;
            all(condition.true_body.iter().chain(&condition.false_body))
        }
        Stmt::WithBlock(block) => {
            block.assignments.iter().try_for_each(|(_, value)| expression(value))?;
            all(&block.body)
        }
        Stmt::Set(set) => {
            let line = set.span().start_line;
            if !matches!(set.target, Expr::Var(_)) {
                return refused(line, "set with anything but a name");
            }
            expression(&set.expr)
        }
        Stmt::SetBlock(block) => refused(block.span().start_line, "set with a block"),
        Stmt::AutoEscape(block) => refused(block.span().start_line, "autoescape"),
        Stmt::FilterBlock(block) => refused(block.span().start_line, "filter with a block"),
        Stmt::Do(call) => refused(call.span().start_line, "do"),
        #[expect(unreachable_patterns, reason = "there are more with other features of the template engine")]
        _ => refused(0, "this tag"),
    }
}

fn expression(one: &Expr<'_>) -> Result<(), TemplateError> {
    let refused = |what: &str| {
        let line = Some(usize::from(one.span().start_line));
        Err(TemplateError::new(line, format!("{what} cannot be used")))
    };
    let some = |expr: &Option<Expr<'_>>| expr.as_ref().map_or(Ok(()), expression);
    let arguments = |args: &[CallArg<'_>]| {
        args.iter().try_for_each(|arg| match arg {
            CallArg::Pos(expr) | CallArg::Kwarg(_, expr) => expression(expr),
            CallArg::PosSplat(_) | CallArg::KwargSplat(_) => refused("* before an argument"),
        })
    };
    match one {
        Expr::Var(_) | Expr::Const(_) => Ok(()),
        Expr::UnaryOp(operation) => expression(&operation.expr),
        Expr::BinOp(operation) => {
            match operation.op {
                BinOpKind::Add | BinOpKind::Mul | BinOpKind::Pow | BinOpKind::Concat => {
                    return refused("an operator that makes texts longer (+, ~, *)");
                }
                _ => {}
            }
            expression(&operation.left)?;
            expression(&operation.right)
        }
        Expr::Compare(comparison) => {
            expression(&comparison.expr)?;
            comparison.ops.iter().try_for_each(|op| expression(&op.expr))
        }
        Expr::IfExpr(condition) => {
            expression(&condition.test_expr)?;
            expression(&condition.true_expr)?;
            some(&condition.false_expr)
        }
        Expr::Filter(filter) => {
            some(&filter.expr)?;
            arguments(&filter.args)
        }
        Expr::Test(test) => {
            expression(&test.expr)?;
            arguments(&test.args)
        }
        Expr::GetAttr(member) => expression(&member.expr),
        Expr::GetItem(item) => {
            expression(&item.expr)?;
            expression(&item.subscript_expr)
        }
        Expr::Slice(slice) => {
            expression(&slice.expr)?;
            [&slice.start, &slice.stop, &slice.step].into_iter().try_for_each(some)
        }
        Expr::Tuple(tuple) if tuple.as_const().is_some() => Ok(()),
        Expr::List(list) if list.as_const().is_some() => Ok(()),
        Expr::Map(map) if map.as_const().is_some() => Ok(()),
        Expr::List(_) | Expr::Tuple(_) | Expr::Map(_) => refused("a list or map of anything but fixed values"),
        Expr::Call(_) => refused("a call"),
    }
}
