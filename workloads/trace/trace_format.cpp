#include "workloads/trace/trace_format.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <limits>
#include <system_error>
#include <unordered_map>
#include <utility>

#include <sys/stat.h>

namespace patchbench::trace {
namespace {

constexpr std::string_view kMagic = "patchbench-trace ";
constexpr std::size_t kLongestName = 1000;
constexpr std::uint32_t kNoClassYet = std::numeric_limits<std::uint32_t>::max();

bool is_digit(char one) { return one >= '0' && one <= '9'; }
bool is_printable(char one) {
  constexpr unsigned char kDelete = 0x7f;
  return static_cast<unsigned char>(one) >= ' ' && static_cast<unsigned char>(one) != kDelete;
}

/// Of a message: short, and without what a terminal would act on.
std::string shown(std::string_view text) {
  constexpr std::size_t kMost = 40;
  std::string result = "'";
  for (const char one : text.substr(0, kMost)) result += is_printable(one) ? one : '?';
  return result + (text.size() > kMost ? "...'" : "'");
}

/// A number as a recorder writes it: digits, and no zero before others.
template <class Number>
std::optional<Number> whole_number_of(std::string_view text) {
  if (text.empty() || !is_digit(text.front()) || (text.size() > 1 && text.front() == '0')) {
    return std::nullopt;
  }
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// The word before the first blank, and what stands behind it.
std::pair<std::string_view, std::string_view> split_at_blank(std::string_view text) {
  const std::size_t blank = text.find(' ');
  if (blank == std::string_view::npos) return {text, {}};
  return {text.substr(0, blank), text.substr(blank + 1)};
}

bool is_compressed(std::string_view line) {
  return line.starts_with("\x1f\x8b") ||
         line.starts_with(
             "\xfd"
             "7zXZ") ||
         line.starts_with("\x28\xb5\x2f\xfd") || line.starts_with("BZh");
}

}  // namespace

// ---- lines ----

TraceLines::TraceLines(std::string name, std::string_view text)
    : name_(std::move(name)), left_(text) {}

TraceLines::TraceLines(std::string name, std::FILE* file)
    : name_(std::move(name)),
      file_(file),
      buffer_(std::make_unique<std::array<char, 16 * kLongestLine>>()),
      left_(buffer_->data(), 0) {}

void TraceLines::fail(const std::string& what) const {
  throw TraceError(name_ + ":" + std::to_string(number_) + ": " + what);
}

bool TraceLines::refill() {
  if (file_ == nullptr) return false;
  std::memmove(buffer_->data(), left_.data(), left_.size());
  const std::size_t got =
      std::fread(buffer_->data() + left_.size(), 1, buffer_->size() - left_.size(), file_);
  if (std::ferror(file_) != 0) {
    throw TraceError(name_ + ": cannot be read: " + std::generic_category().message(errno));
  }
  left_ = {buffer_->data(), left_.size() + got};
  return got > 0;
}

std::optional<std::string_view> TraceLines::next() {
  std::size_t end = left_.substr(0, kLongestLine + 1).find('\n');
  while (end == std::string_view::npos && left_.size() <= kLongestLine && refill()) {
    end = left_.substr(0, kLongestLine + 1).find('\n');
  }
  if (left_.empty()) return std::nullopt;
  ++number_;
  if (end == std::string_view::npos) {
    if (left_.size() > kLongestLine) {
      fail("a line is longer than " + std::to_string(kLongestLine) +
           " bytes: this is no trace, or line ends were lost");
    }
    end = left_.size();
  }
  const std::string_view line = left_.substr(0, end);
  left_.remove_prefix(std::min(end + 1, left_.size()));
  return line;
}

// ---- reader ----

TraceReader::TraceReader(TraceLines& lines) : lines_(lines) { read_first_line(); }

void TraceReader::read_first_line() {
  const auto line = lines_.next();
  if (!line) {
    throw TraceError(lines_.name() + ":1: the trace is empty; it begins with 'patchbench-trace 1'");
  }
  if (is_compressed(*line)) {
    lines_.fail("the trace is compressed: unpack it first, as with xz -d or gzip -d");
  }
  if (!line->starts_with(kMagic)) {
    lines_.fail("begins with " + shown(*line) + ", and a trace with 'patchbench-trace 1'");
  }
  const std::string_view version = line->substr(kMagic.size());
  if (whole_number_of<unsigned>(version) != kFormatVersion) {
    lines_.fail("the trace is of version " + shown(version) + ", and this program reads version " +
                std::to_string(kFormatVersion) + ": record it anew, or use a later program");
  }
}

std::optional<TraceSend> TraceReader::next() {
  while (line_.empty() && !ended_) {
    const auto line = lines_.next();
    if (!line) {
      lines_.fail("the trace ends here without 'end " + std::to_string(sends_) +
                  "': it was cut short; copy or record it anew");
    }
    if (!line->empty() && is_digit(line->front())) {
      line_ = *line;
    } else {
      ended_ = read_declaration(*line);
    }
  }
  if (ended_) return std::nullopt;
  const auto [token, rest] = split_at_blank(line_);
  const bool blank_at_end = rest.empty() && token.size() < line_.size();
  if (blank_at_end) lines_.fail("ends in a blank: sends have one blank between them");
  line_ = rest;
  return read_send(token);
}

bool TraceReader::read_declaration(std::string_view line) {
  const auto [word, rest] = split_at_blank(line);
  if (word.starts_with('#')) return false;
  if (word == "end") {
    read_end(rest);
    return true;
  }
  if (word == "class" || word == "immediate") {
    declare_class(rest, word == "immediate");
  } else if (word == "selector") {
    declare_selector(rest);
  } else if (word == "site") {
    declare_site(rest);
  } else if (word == "program") {
    if (!names_.program.empty()) lines_.fail("names the program a second time");
    names_.program = checked_name(rest, 0, 1, "program");
  } else {
    lines_.fail(shown(line) +
                " is no line of a trace: sends, #, program, class, immediate, selector, site, end");
  }
  return false;
}

std::string TraceReader::checked_name(std::string_view name, std::size_t count, std::size_t most,
                                      const char* what) const {
  if (name.empty()) lines_.fail(std::string("a ") + what + " has no name");
  if (name.size() > kLongestName) {
    lines_.fail(std::string("the name of a ") + what + " is longer than " +
                std::to_string(kLongestName) + " bytes");
  }
  if (!std::ranges::all_of(name, is_printable)) {
    lines_.fail(std::string("the name of a ") + what + " has a control character in it");
  }
  if (count >= most) {
    lines_.fail("declares more than " + std::to_string(most) + " of its kind (" + what +
                "): record a shorter part of the program");
  }
  return std::string(name);
}

void TraceReader::declare_class(std::string_view name, bool immediate) {
  if (immediate) {
    if (names_.immediate) {
      lines_.fail("declares a second immediate class, and there is room for one: use 'class'");
    }
    names_.immediate = static_cast<std::uint32_t>(names_.classes.size());
  }
  names_.classes.push_back(checked_name(name, names_.classes.size(), kMostClasses, "class"));
}

void TraceReader::declare_selector(std::string_view name) {
  names_.selectors.push_back(
      checked_name(name, names_.selectors.size(), kMostSelectors, "selector"));
}

void TraceReader::declare_site(std::string_view text) {
  const auto [number, name] = split_at_blank(text);
  const std::uint32_t selector = declared(number, names_.selectors.size(), "selector", "selectors");
  names_.sites.push_back(
      {.selector = selector, .name = checked_name(name, names_.sites.size(), kMostSites, "site")});
  last_class_.push_back(kNoClassYet);
}

std::uint32_t TraceReader::declared(std::string_view text, std::size_t count, const char* what,
                                    const char* plural) const {
  const auto number = whole_number_of<std::uint32_t>(text);
  if (!number) {
    lines_.fail(shown(text) + " is no number of a " + what +
                "; sends are SITE or SITE:CLASS, in numbers");
  }
  if (*number >= count) {
    lines_.fail(std::string(what) + " " + std::to_string(*number) +
                " was not declared before this line, which " + std::to_string(count) + " " +
                plural + " were, counted from 0");
  }
  return *number;
}

TraceSend TraceReader::read_send(std::string_view token) {
  const std::size_t colon = token.find(':');
  TraceSend send{.site = declared(token.substr(0, colon), names_.sites.size(), "site", "sites")};
  std::uint32_t& last = last_class_[send.site];
  if (colon != std::string_view::npos) {
    last = declared(token.substr(colon + 1), names_.classes.size(), "class", "classes");
  } else if (last == kNoClassYet) {
    lines_.fail("the first send of site " + std::to_string(send.site) +
                " names no class: write SITE:CLASS");
  }
  if (++sends_ > kMostSends) {
    lines_.fail("has more than " + std::to_string(kMostSends) +
                " sends: cut it, for example by the recorder's --sends");
  }
  send.class_index = last;
  return send;
}

void TraceReader::read_end(std::string_view text) {
  const auto count = whole_number_of<std::uint64_t>(text);
  if (!count) lines_.fail("'end' is followed by the number of sends, and not by " + shown(text));
  if (*count != sends_) {
    lines_.fail("says that there were " + std::to_string(*count) + " sends, and there were " +
                std::to_string(sends_) + ": lines are missing or were added; record it anew");
  }
  if (sends_ == 0) lines_.fail("there is no send before 'end': nothing can be replayed");
  if (lines_.next()) lines_.fail("something stands behind 'end': traces are not put together so");
}

// ---- whole traces ----

Trace read_trace(TraceLines lines, std::uint64_t most) {
  TraceReader reader(lines);
  Trace trace{.name = lines.name(), .names = {}, .calls = {}, .sends = {}};
  std::vector<std::uint32_t> last_call;  // of each site: most sends are of the class before
  std::unordered_map<std::uint64_t, std::uint32_t> known;
  // The end is read too where there are no more: it says whether the trace is whole.
  while (trace.sends.size() < most || most == kMostSends) {
    const auto send = reader.next();
    if (!send) break;
    if (last_call.size() <= send->site) last_call.resize(reader.names().sites.size(), kNoClassYet);
    std::uint32_t& last = last_call[send->site];
    if (last == kNoClassYet || trace.calls[last].class_index != send->class_index) {
      const auto next = static_cast<std::uint32_t>(trace.calls.size());
      const auto [found, added] =
          known.try_emplace(std::uint64_t{send->site} << 32U | send->class_index, next);
      if (added) trace.calls.push_back(*send);
      last = found->second;
    }
    trace.sends.push_back(last);
  }
  trace.names = reader.take_names();
  return trace;
}

void check_trace(TraceLines lines) {
  TraceReader reader(lines);
  while (reader.next()) {
  }
}

void with_lines_of_file(const std::string& path, bool pipes_too,
                        const std::function<void(TraceLines)>& use) {
  if (path == "-") {
    use(TraceLines("standard input", stdin));
    return;
  }
  const auto refuse = [&path](int error) {
    throw TraceError(path + ": cannot be opened: " + std::generic_category().message(error));
  };
  struct stat about {};
  if (stat(path.c_str(), &about) != 0) refuse(errno);
  if (S_ISDIR(about.st_mode)) refuse(EISDIR);
  if (!pipes_too && !S_ISREG(about.st_mode)) {
    throw TraceError(path +
                     ": is no regular file, and every process of a run reads it: write the trace "
                     "to a file first");
  }
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"),
                                                             &std::fclose);
  if (!file) refuse(errno);
  use(TraceLines(path, file.get()));
}

}  // namespace patchbench::trace
