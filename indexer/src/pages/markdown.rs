//! Text of others, rendered plainly: headings, lists, tables, fenced blocks, paragraphs. No HTML of theirs, no pictures, no link whose
//! words hide where it leads. [EXP-7]

use super::html::{Html, escape, plain, uri};
use alloy_primitives::{Address, B256};

/// What one text may weigh as HTML, in bytes: a page shows the lines that fit, the whole is in the JSON. [EXP-9]
pub(super) const MOST_BYTES: usize = 32 * 1024;

/// What the renderer is inside of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Nothing,
    Paragraph,
    List,
    Table,
    Code,
}

/// Markdown as HTML of ours.
pub(super) fn markdown(text: &str) -> Html {
    markdown_within(text, MOST_BYTES)
}

/// The same, in so many bytes.
pub(super) fn markdown_within(text: &str, most: usize) -> Html {
    let (mut html, mut inside) = (String::new(), Inside::Nothing);
    for line in text.lines() {
        let fits = (html.len(), inside);
        one_line(&mut html, &mut inside, line);
        if html.len() > most {
            html.truncate(fits.0);
            inside = fits.1;
            change(&mut html, &mut inside, Inside::Nothing);
            html.push_str(r#"<p class="faint">It goes on; the whole is in the JSON.</p>"#);
            return Html(html);
        }
    }
    change(&mut html, &mut inside, Inside::Nothing);
    Html(html)
}

fn one_line(html: &mut String, inside: &mut Inside, line: &str) {
    let mark = line.trim();
    if *inside == Inside::Code {
        match mark.starts_with("```") {
            true => change(html, inside, Inside::Nothing),
            false => html.push_str(&code_line(line)),
        }
        return;
    }
    if let Some(of) = mark.strip_prefix("```") {
        change(html, inside, Inside::Code);
        if !of.is_empty() {
            html.push_str(&format!(r#"<span class="of">{}</span>"#, escape(of)));
            html.push('\n');
        }
    } else if let Some(row) = mark.strip_prefix('|').and_then(|row| row.strip_suffix('|')) {
        let cell = if *inside == Inside::Table { "td" } else { "th scope=\"col\"" };
        change(html, inside, Inside::Table);
        table_row(html, row, cell);
    } else if mark.is_empty() {
        change(html, inside, Inside::Nothing);
    } else if let Some(heading) = heading(mark) {
        change(html, inside, Inside::Nothing);
        html.push_str(&format!("<h3>{}</h3>", words(heading)));
    } else if let Some(item) = mark.strip_prefix("- ").or_else(|| mark.strip_prefix("* ")) {
        change(html, inside, Inside::List);
        html.push_str(&format!("<li>{}</li>", words(item)));
    } else {
        change(html, inside, Inside::Paragraph);
        html.push_str(&words(mark));
        html.push('\n');
    }
}

/// A difference, line by line: what goes and comes has its sign, and a colour beside it.
pub(super) fn lines(text: &str) -> Html {
    lines_within(text, MOST_BYTES)
}

/// The same, in so many bytes.
pub(super) fn lines_within(text: &str, most: usize) -> Html {
    fitting(text, most, code_line)
}

/// A text as it stands, without the signs of a difference: a dash at the start of a line is YAML.
pub(super) fn plain_lines(text: &str) -> Html {
    fitting(text, MOST_BYTES, |line| format!("{}\n", escape(line)))
}

fn fitting(text: &str, most: usize, shown: fn(&str) -> String) -> Html {
    let mut html = String::from(r#"<pre class="lines" tabindex="0">"#);
    for line in text.lines() {
        let line = shown(line);
        if html.len().saturating_add(line.len()) > most {
            html.push_str(r#"</pre><p class="faint">It goes on.</p>"#);
            return Html(html);
        }
        html.push_str(&line);
    }
    html.push_str("</pre>");
    Html(html)
}

/// Ends what the renderer is inside of, and begins the next, unless it is the same.
fn change(html: &mut String, inside: &mut Inside, next: Inside) {
    if *inside == next {
        return;
    }
    html.push_str(match inside {
        Inside::Nothing => "",
        Inside::Paragraph => "</p>",
        Inside::List => "</ul>",
        Inside::Table => "</tbody></table></div>",
        Inside::Code => "</pre>",
    });
    html.push_str(match next {
        Inside::Nothing => "",
        Inside::Paragraph => "<p>",
        Inside::List => "<ul>",
        Inside::Table => {
            r#"<div class="scroll" tabindex="0" role="region" aria-label="Table"><table><tbody>"#
        }
        Inside::Code => r#"<pre class="lines" tabindex="0">"#,
    });
    *inside = next;
}

/// The line below the head is none.
fn table_row(html: &mut String, row: &str, cell: &str) {
    if row.bytes().all(|byte| b"|-: ".contains(&byte)) {
        return;
    }
    let name = cell.split(' ').next().unwrap_or_default();
    html.push_str("<tr>");
    for text in row.split('|') {
        html.push_str(&format!("<{cell}>{}</{name}>", words(text.trim())));
    }
    html.push_str("</tr>");
}

fn heading(line: &str) -> Option<&str> {
    let text = line.trim_start_matches('#');
    (text.len() < line.len() && text.starts_with(' ')).then_some(text.trim())
}

fn code_line(line: &str) -> String {
    let shown = escape(line);
    match line.as_bytes().first() {
        Some(b'+') => format!("<ins>{shown}</ins>\n"),
        Some(b'-') => format!("<del>{shown}</del>\n"),
        _ => format!("{shown}\n"),
    }
}

/// Words, of which only a whole `http` address is a link. What stands between backticks is code.
fn words(line: &str) -> String {
    let pieces: Vec<&str> = line.split('`').collect();
    if pieces.len().is_multiple_of(2) {
        return plain_words(line);
    }
    let piece = |(place, piece): (usize, &&str)| match place.is_multiple_of(2) {
        true => plain_words(piece),
        false => format!("<code>{}</code>", plain_words(piece)),
    };
    pieces.iter().enumerate().map(piece).collect()
}

fn plain_words(text: &str) -> String {
    let each = text.split(' ').map(|word| match word {
        word if word.starts_with("http") => uri(word).0,
        word if word.parse::<B256>().is_ok() || word.parse::<Address>().is_ok() => plain(&word).0,
        word => escape(word),
    });
    each.collect::<Vec<String>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_lists_and_blocks_are_told_apart() {
        let text = "# Title\nword\nmore\n\n- a\n- b\n```diff\n-x\n+y\n```\nend";
        let html = markdown(text).0;
        for piece in [
            "<h3>Title</h3>",
            "<p>word\nmore\n</p>",
            "<ul><li>a</li><li>b</li></ul>",
            "<del>-x</del>\n<ins>+y</ins>\n</pre>",
            "<p>end\n</p>",
        ] {
            assert!(html.contains(piece), "{piece} in {html}");
        }
        assert!(markdown("```\nnever closed").0.ends_with("</pre>"));
        let table = markdown("| a | b |\n|---|---|\n| `<c>` | d |\nend").0;
        let rows = "<tr><th scope=\"col\">a</th><th scope=\"col\">b</th></tr><tr><td><code>&lt;c&gt;</code></td><td>d</td></tr></tbody>";
        assert!(table.contains(rows), "{table}");
        assert_eq!(words("a `b` c"), "a <code>b</code> c");
        assert_eq!(words("a ` b"), "a ` b", "one alone is itself");
    }

    #[test]
    fn nothing_of_it_is_html_and_a_link_says_where_it_leads() {
        // [EXP-7]
        let evil = "# <script>alert(1)</script>\n<img src=x onerror=y>\n- [click](javascript:alert(1))\n```\n</pre><b>\n```\nhttps://x/\"><i>";
        let html = markdown(evil).0;
        for tag in ["<script", "<img", "<b>", "<i>", "href=\"javascript"] {
            assert!(!html.contains(tag), "{tag} in {html}");
        }
        assert!(
            markdown("see https://example.org/a now").0.contains("href=\"https://example.org/a\"")
        );
    }

    #[test]
    fn what_is_long_is_cut_by_what_it_weighs() {
        // [EXP-9] Lines that fit are shown; a little text that becomes much HTML is cut as well.
        for line in ["éé", "|a|a|a|a|a|", "- ", "''", "+", "```"] {
            let long = format!("{line}\n").repeat(20_000);
            for html in [markdown(&long).0, lines(&long).0, plain_lines(&long).0] {
                assert!(html.len() < MOST_BYTES + 200 && html.contains("It goes on"), "{line}");
                for tag in ["ul", "pre", "table", "div", "ins"] {
                    let count = |mark: &str| html.matches(&format!("{mark}{tag}")).count();
                    assert_eq!(count("<"), count("</"), "{line} {tag}");
                }
            }
        }
        let one = "|".repeat(40_000);
        assert!(markdown(&one).0.len() < 200, "a line that does not fit is left out");
        assert!(!markdown("short").0.contains("It goes on"));
    }
}
