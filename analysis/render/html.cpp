#include "analysis/render/html.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "analysis/render/page_parts.hpp"
#include "analysis/render/palette.hpp"

namespace patchbench::analysis {
namespace {

using results::Verdict;

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

/// A string of CSS.
std::string css_string(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\' || c == '<') {
      quoted += fmt::format("\\{:x} ", static_cast<unsigned>(c));
    } else {
      quoted += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  }
  return quoted + "\"";
}

/// JSON that stands in a page: nothing in it ends the element.
std::string json_in_html(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size());
  for (const char c : text) {
    if (c == '<') escaped += "\\u003c";
    if (c != '<') escaped += c;
  }
  return escaped;
}

std::string heading(int level, const std::string& title, bool emulated) {
  return fmt::format("<h{0}>{1}{2}</h{0}>\n", level, escape_html(title),
                     emulated ? "<span class=\"emulated\">EMULATED</span>" : "");
}

std::string paragraphs_html(const std::vector<std::string>& texts, std::string_view kind) {
  std::string html;
  for (const std::string& text : texts) {
    html += fmt::format("<p{}>{}</p>\n", kind, escape_html(text));
  }
  return html;
}

/// The tables of a page, each with an id of its own.
class Tables {
 public:
  [[nodiscard]] std::string html(const Section& section) {
    constexpr std::size_t kManyColumns = 9;
    const TextTable& table = *section.table;
    const std::string id = fmt::format("t{}", ++count_);
    std::string text = fmt::format("<div class=\"scroll{}\"><table id=\"{}\"",
                                   table.header.size() > kManyColumns ? " wide" : "", id);
    if (!section.filters.empty()) {
      text += fmt::format(" data-filters=\"{}\"", fmt::join(section.filters, ","));
    }
    text += ">\n" + header(table, id) + "<tbody>\n";
    for (const auto& row : table.rows) {
      text += "<tr>";
      for (const TextCell& cell : row) text += cell_html(cell);
      text += "</tr>\n";
    }
    return text + "</tbody></table></div>\n";
  }

  /// Of cards: what each value is, without a word of it in every row.
  [[nodiscard]] std::string style() const {
    return labels_.empty() ? "" : "@media screen and (max-width: 480px) {\n" + labels_ + "}\n";
  }

 private:
  std::string header(const TextTable& table, const std::string& id) {
    std::string cells;
    bool titled = false;
    for (std::size_t column = 0; column < table.header.size(); ++column) {
      const std::string& title = table.header[column];
      cells += "<th scope=\"col\">" + lines_html(title) + "</th>";
      titled = titled || !title.empty();
      labels_ += fmt::format("#{} td:nth-child({})::before {{ content: {}; }}\n", id, column + 1,
                             css_string(title));
    }
    return titled ? "<thead><tr>" + cells + "</tr></thead>\n" : "";
  }

  int count_ = 0;
  std::string labels_;
};

std::string section_html(const Section& section, int level, bool emulated, Tables& tables) {
  std::string html = heading(level, section.title, emulated);
  html += paragraphs_html(section.paragraphs, "");
  if (!section.table) return html;
  const std::string table =
      tables.html(section) + paragraphs_html(section.footnotes, " class=\"footnote\"");
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

// ---- figures ----

/// A click shows what is chosen alone.
std::string legend_html(const DrawnChart& drawn) {
  std::string html;
  const std::vector<std::string> one;  // is nothing to choose from
  for (const std::string& id : drawn.ids.size() > 1 ? drawn.ids : one) {
    const Appearance look = appearance(id);
    html += fmt::format(
        "<button type=\"button\" data-id=\"{0}\" aria-pressed=\"false\"><svg viewBox=\"-22 -7 44 "
        "14\" stroke=\"{1}\" aria-hidden=\"true\"><path d=\"M-22,0L22,0\" "
        "stroke-dasharray=\"{2}\"/><path d=\"{3}\" transform=\"scale(5)\"/></svg>{0}</button>\n",
        escape_html(id), look.colour, fmt::join(dash_lengths(look.dash), " "),
        marker_path(look.marker));
  }
  if (!html.empty()) html = "<div class=\"legend\" role=\"group\">\n" + html + "</div>\n";
  for (std::size_t index = 0; index < drawn.fills.size(); ++index) {
    html += fmt::format("<span class=\"fill{}\">{}</span>\n", index == 0 ? "" : " tinted",
                        escape_html(drawn.fills[index]));
  }
  return html;
}

std::string group_html(const PanelGroup& group, std::vector<std::string>& specs) {
  std::string html = group.title.empty() ? "" : "<h4>" + escape_html(group.title) + "</h4>\n";
  // Four stand better two and two than three and one.
  const std::size_t count = group.panels.size();
  const bool pairs = count == 2 || count == 4;
  html += fmt::format("<div class=\"panels{}\">\n", pairs ? " pairs" : "");
  for (const DrawnPanel& panel : group.panels) {
    const bool empty = panel.spec.empty();
    html += fmt::format(
        "<div class=\"panel\"><h5>{}</h5>{}</div>\n", escape_html(panel.title),
        empty ? "<p class=\"faint\">not available, see below</p>" : "<div class=\"chart\"></div>");
    if (!empty) specs.push_back(json_in_html(panel.spec));
  }
  return html + "</div>\n" + paragraphs_html(group.notes, " class=\"faint\"");
}

std::string figure_html(const PageFigure& figure) {
  std::vector<std::string> specs;
  std::string html =
      fmt::format("<figure id=\"{}\">\n<figcaption><h3>{}</h3>\n<p>{}</p>\n",
                  escape_html(figure.name), escape_html(figure.title), escape_html(figure.caption));
  html += "</figcaption>\n" + legend_html(figure.drawn);
  for (const PanelGroup& group : figure.drawn.groups) html += group_html(group, specs);
  html += paragraphs_html(figure.drawn.remarks, " class=\"faint\"");
  html += fmt::format("<script type=\"application/json\">[{}]</script>\n", fmt::join(specs, ",\n"));
  if (!figure.file.empty()) {
    html += fmt::format("<noscript><img src=\"{}\" alt=\"{}\"></noscript>\n",
                        escape_html(figure.file), escape_html(figure.title));
  }
  return html + "</figure>\n";
}

// ---- chapters ----

constexpr std::array kParts = {Part::answer,     Part::trust,    Part::send,    Part::patch,
                               Part::break_even, Part::life,     Part::threads, Part::new_code,
                               Part::counters,   Part::mappings, Part::cases,   Part::context};
static_assert(kParts.size() == static_cast<std::size_t>(Part::context) + 1);

/// The words of its heading, so that a link still leads there when chapters are added.
std::string anchor_of(Part part) {
  if (part == Part::answer) return "answer";
  std::string anchor = fmt::format("chapter {}", title_of(part));
  std::ranges::transform(anchor, anchor.begin(), [](unsigned char one) {
    return std::isalnum(one) != 0 ? static_cast<char>(std::tolower(one)) : '-';
  });
  return anchor;
}

struct Chapter {
  Part part = Part::answer;
  std::string text;

  [[nodiscard]] std::string id() const { return anchor_of(part); }
  [[nodiscard]] std::string_view title() const {
    return part == Part::answer ? "Answer" : title_of(part);
  }
};

/// Those with anything in them.
std::vector<Chapter> chapters_of(const Document& document, const std::vector<PageFigure>& figures,
                                 const std::vector<std::string>& remarks, Tables& tables) {
  std::vector<Chapter> chapters;
  const std::vector<const Section*> sections = in_reading_order(document);
  for (const Part part : kParts) {
    const bool first = part == Part::answer;
    std::string text = part == Part::trust ? warnings_html(document.warnings) : "";
    for (const PageFigure& figure : figures) {
      if (figure.part == part) text += figure_html(figure);
    }
    if (part == Part::send) text += paragraphs_html(remarks, " class=\"faint\"");
    for (const Section* section : sections) {
      if (section->part != part) continue;
      text += section_html(*section, first ? 2 : 3, first && document.emulated, tables);
    }
    if (text.empty()) continue;
    if (!first) text.insert(0, heading(2, std::string(title_of(part)), document.emulated));
    chapters.push_back({part, std::move(text)});
  }
  return chapters;
}

std::string contents_html(const std::vector<Chapter>& chapters) {
  if (chapters.size() < 2) return "";
  std::string html = "<nav aria-label=\"Contents\">\n";
  for (const Chapter& chapter : chapters) {
    html += fmt::format("<a href=\"#{}\">{}</a>\n", chapter.id(), escape_html(chapter.title()));
  }
  return html + "</nav>\n";
}

/// Where the warnings are: they stand below the answer.
std::string warnings_line(const std::vector<std::string>& warnings) {
  if (warnings.empty()) return "";
  const std::size_t count = warnings.size();
  return fmt::format("<p class=\"warned\"><a href=\"#{}\">{} before you read on</a></p>\n",
                     anchor_of(Part::trust),
                     count == 1 ? "1 warning" : fmt::format("{} warnings", count));
}

std::string scripts_html(bool figures) {
  std::string html;
  if (figures) {
    for (const std::string_view script : chart_scripts()) {
      html += fmt::format("<script>{}</script>\n", script);
    }
  }
  return html + fmt::format("<script>{}</script>\n", page_script());
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

std::string html_page(const Document& document, const std::vector<PageFigure>& figures,
                      const std::vector<std::string>& remarks) {
  Tables tables;
  const std::vector<Chapter> chapters = chapters_of(document, figures, remarks, tables);
  std::string html = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta "
      "name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{}{}</title>\n"
      "<style>{}{}</style>\n</head>\n<body>\n",
      document.emulated ? "EMULATED: " : "", escape_html(document.title), page_style(),
      tables.style());
  html += heading(1, document.title, document.emulated);
  html += contents_html(chapters) + warnings_line(document.warnings) + "<main>\n";
  for (const Chapter& chapter : chapters) {
    html += fmt::format("<section id=\"{}\">\n{}</section>\n", chapter.id(), chapter.text);
  }
  return html + "</main>\n" + scripts_html(!figures.empty()) + "</body>\n</html>\n";
}

}  // namespace patchbench::analysis
