#include "analysis/render/html.hpp"

#include <array>
#include <utility>

#include <fmt/format.h>

namespace patchbench::analysis {
namespace {

using results::Verdict;

// Colours of verdicts stay apart for colour-blind readers, and the word says the same.
constexpr std::string_view kStyle = R"(
body { font: 15px/1.5 system-ui, sans-serif; color: #1a1a1a; max-width: 1120px; margin: 0 auto; padding: 0 20px 60px; }
h1 { font-size: 24px; margin: 28px 0 8px; }
h2 { font-size: 19px; margin: 34px 0 8px; border-bottom: 1px solid #ccc; padding-bottom: 3px; }
p, figcaption { max-width: 80ch; }
table { border-collapse: collapse; font-size: 13px; margin: 8px 0; }
th, td { text-align: left; vertical-align: top; padding: 3px 12px 3px 0; border-bottom: 1px solid #e6e6e6; }
th { color: #444; font-weight: 600; }
td { font-variant-numeric: tabular-nums; }
.name, .number, .faster, .slower { white-space: nowrap; }
.headline { font-size: 12px; }
td:first-child, .headline td { white-space: nowrap; }
.faster { color: #0072b2; }
.slower { color: #b34700; }
.faint { color: #6a6a6a; }
.scroll { overflow-x: auto; }
.warnings { background: #fff4d6; border-left: 4px solid #e69f00; padding: 8px 14px; margin: 12px 0; }
.warnings ul { margin: 4px 0; padding-left: 20px; }
.emulated { background: #b34700; color: #fff; font-size: 12px; padding: 1px 7px; border-radius: 3px; margin-left: 8px; }
figure { margin: 20px 0 28px; }
figure svg { width: 100%; height: auto; max-width: 1000px; border: 1px solid #eee; }
figcaption { color: #333; font-size: 14px; }
.footnote { font-size: 13px; color: #444; margin: 2px 0; }
summary { cursor: pointer; color: #0072b2; }
)";

std::string_view class_of(Tone tone) {
  switch (tone) {
    case Tone::plain:
      return "";
    case Tone::name:
      return "name";
    case Tone::number:
      return "number";
    case Tone::faster:
      return "faster";
    case Tone::slower:
      return "slower";
    case Tone::faint:
      return "faint";
  }
  return "";
}

std::string lines_html(std::string_view text) {
  std::string html;
  for (std::size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
    html += escape_html(text.substr(0, end)) + "<br>";
    text.remove_prefix(end + 1);
  }
  return html + escape_html(text);
}

std::string cell_html(const TextCell& cell) {
  Tone tone = cell.tone;
  // Most entries of an honest run are inconclusive; they are no less worth reading.
  if (cell.verdict == Verdict::faster || cell.verdict == Verdict::slower) {
    tone = tone_of(*cell.verdict);
  }
  const std::string_view kind = class_of(tone);
  const std::string tag = kind.empty() ? "<td>" : fmt::format("<td class=\"{}\">", kind);
  return tag + lines_html(text_with_verdict(cell)) + "</td>";
}

std::string table_html(const TextTable& table, bool headline) {
  std::string html =
      fmt::format("<div class=\"scroll\"><table{}>\n", headline ? " class=\"headline\"" : "");
  std::string header;
  bool titled = false;
  for (const std::string& title : table.header) {
    header += "<th>" + lines_html(title) + "</th>";
    titled = titled || !title.empty();
  }
  if (titled) html += "<thead><tr>" + header + "</tr></thead>\n";
  html += "<tbody>\n";
  for (const auto& row : table.rows) {
    html += "<tr>";
    for (const TextCell& cell : row) html += cell_html(cell);
    html += "</tr>\n";
  }
  return html + "</tbody></table></div>\n";
}

std::string heading(int level, const std::string& title, bool emulated) {
  return fmt::format("<h{0}>{1}{2}</h{0}>\n", level, escape_html(title),
                     emulated ? "<span class=\"emulated\">EMULATED</span>" : "");
}

std::string section_html(const Section& section, bool emulated, bool headline) {
  std::string html = heading(2, section.title, emulated);
  for (const std::string& paragraph : section.paragraphs) {
    html += "<p>" + escape_html(paragraph) + "</p>\n";
  }
  if (!section.table) return html;
  std::string table = table_html(*section.table, headline);
  for (const std::string& note : section.footnotes) {
    table += "<p class=\"footnote\">" + escape_html(note) + "</p>\n";
  }
  if (!section.detail) return html + table;
  return html + fmt::format("<details><summary>Show {} rows</summary>\n{}</details>\n",
                            section.table->rows.size(), table);
}

std::string warnings_html(const std::vector<std::string>& warnings) {
  if (warnings.empty()) return "";
  std::string html = "<div class=\"warnings\"><strong>Before you read on</strong><ul>\n";
  for (const std::string& warning : warnings) html += "<li>" + escape_html(warning) + "</li>\n";
  return html + "</ul></div>\n";
}

std::string figures_html(const std::vector<InlineFigure>& figures,
                         const std::vector<std::string>& remarks, bool emulated) {
  if (figures.empty() && remarks.empty()) return "";
  std::string html = heading(2, "Figures", emulated);
  for (const InlineFigure& figure : figures) {
    const std::string svg = inline_svg(figure);
    if (svg.empty()) continue;
    html += fmt::format("<figure id=\"{}\">\n{}\n<figcaption>{}</figcaption>\n</figure>\n",
                        escape_html(figure.name), svg, escape_html(figure.caption));
  }
  for (const std::string& remark : remarks)
    html += "<p class=\"faint\">" + escape_html(remark) + "</p>\n";
  return html;
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos;
       at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

/// Removes the first `from` ... `to`, both included, from a tag or an element.
void cut_out(std::string& text, std::string_view from, std::string_view to) {
  const std::size_t begin = text.find(from);
  if (begin == std::string::npos) return;
  const std::size_t end = text.find(to, begin + from.size());
  if (end != std::string::npos) text.erase(begin, end + to.size() - begin);
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
    }
  }
  return escaped;
}

std::string inline_svg(const InlineFigure& figure) {
  const std::size_t begin = figure.svg.find("<svg");
  const std::size_t end = figure.svg.rfind("</svg>");
  if (begin == std::string::npos || end == std::string::npos || end < begin) return "";
  std::string svg = figure.svg.substr(begin, end + 6 - begin);
  const std::size_t tag_end = svg.find('>');
  std::string tag = svg.substr(0, tag_end);
  std::string body = svg.substr(tag_end);
  for (const std::string_view name : {" width=\"", " height=\"", " xmlns=\"", " xmlns:xlink=\""}) {
    cut_out(tag, name, "\"");
  }
  tag += fmt::format(" role=\"img\" aria-label=\"{}\"", escape_html(figure.title));
  cut_out(body, "<title>", "</title>");
  cut_out(body, "<desc>", "</desc>");
  const std::string prefix = figure.name + "-";
  for (const std::string_view opening : {" id='", " id=\"", "href='#", "href=\"#", "url(#"}) {
    replace_all(body, opening, std::string(opening) + prefix);
  }
  return tag + body;
}

std::string html_page(const Document& document, const std::vector<InlineFigure>& figures,
                      const std::vector<std::string>& remarks) {
  const std::string title = escape_html(document.title);
  std::string html = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta "
      "name=\"viewport\" "
      "content=\"width=device-width\">\n<title>{}{}</title>\n<style>{}</style>\n</head>\n<body>\n",
      document.emulated ? "EMULATED: " : "", title, kStyle);
  html += heading(1, document.title, document.emulated);
  html += warnings_html(document.warnings);
  for (const Section& section : document.summary) {
    html += section_html(section, document.emulated, &section == document.summary.data());
  }
  html += figures_html(figures, remarks, document.emulated);
  for (const Section& section : document.rest)
    html += section_html(section, document.emulated, false);
  return html + "</body>\n</html>\n";
}

}  // namespace patchbench::analysis
