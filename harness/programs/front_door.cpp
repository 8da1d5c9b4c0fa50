#include "harness/programs/front_door.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <exception>
#include <memory>
#include <span>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "analysis/render/wrap.hpp"
#include "harness/base/exit_code.hpp"
#include "harness/base/terminal.hpp"
#include "harness/base/text_parts.hpp"
#include "harness/base/usage_error.hpp"
#include "harness/machine/build_info.hpp"
#include "harness/machine/git_revision.hpp"
#include "harness/process/denial.hpp"
#include "results/json.hpp"

namespace patchbench::harness {
namespace {

namespace fs = std::filesystem;

/// Options as GNU programs show them, with descriptions that fit a terminal.
class GnuFormatter : public CLI::Formatter {
 public:
  GnuFormatter() { column_width(kNames); }

  std::string make_option_name(const CLI::Option* option, bool positional) const override {
    return positional ? option->get_name(true) : "--" + option->get_lnames().front();
  }
  std::string make_option_opts(const CLI::Option* option) const override {
    const std::string type = option->get_type_name();
    if (option->get_positional()) return " " + type;
    return type.empty() || type.starts_with('[') ? type : "=" + type;
  }
  std::string make_option_desc(const CLI::Option* option) const override {
    std::string text = analysis::wrap(option->get_description(), kWidth - kNames);
    text.pop_back();
    return text;
  }

 private:
  static constexpr std::size_t kNames = 34;
  static constexpr std::size_t kWidth = 100;
};

/// CLI11 would take the next argument for the value.
void refuse_empty_values(int argc, const char* const* argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word.empty()) throw UsageError("an argument is empty; --help shows what each option takes");
    if (word.starts_with("--") && word.find('=') == word.size() - 1) {
      throw UsageError(
          fmt::format("{} has an empty value; --help shows what each option takes", word));
    }
  }
}

/// An option that does not exist, with the one that was probably meant.
std::string unknown_option(const CLI::App& app, const std::string& argument) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    if (option->nonpositional()) names.push_back("--" + option->get_lnames().front());
  }
  const std::string name = argument.substr(0, argument.find('='));
  const std::optional<std::string> suggestion = nearest(name, names);
  return fmt::format("{} '{}'{} --help lists the options",
                     name.starts_with('-') ? "unknown option" : "unexpected argument", name,
                     suggestion ? fmt::format(": did you mean {}?", *suggestion) : ".");
}

struct Unit {
  std::string_view name;
  double factor;
};

/// What `text` is in the first unit; empty unless it is a number with one of `units` behind it.
std::optional<double> amount(std::string_view text, std::span<const Unit> units) {
  const auto number = take_number<double>(text);
  const auto unit = std::ranges::find(units, text, &Unit::name);
  return number && unit != units.end() ? std::optional(*number * unit->factor) : std::nullopt;
}

/// "0.1.0 (1a2b3c4d5e6f-dirty)"
std::string version_text() {
  return fmt::format("{} ({})", kVersion, kGitRevision.empty() ? "unknown" : kGitRevision);
}

}  // namespace

CommandLineParser::CommandLineParser(const ProgramText& program)
    : app_(program.summary, program.name) {
  app_.footer(program.footer);
  app_.formatter(std::make_shared<GnuFormatter>());
  app_.set_help_flag("-h,--help", "Print this and exit");
  app_.set_version_flag("--version", fmt::format("{} {}", program.name, version_text()),
                        "Print the version and the revision of the sources, and exit");
  app_.allow_extras();  // to say more about them than CLI11 does
}

std::optional<std::string> CommandLineParser::parse(int argc, const char* const* argv) {
  refuse_empty_values(argc, argv);
  try {
    app_.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return app_.help();
  } catch (const CLI::CallForVersion& version) {
    return version.what() + std::string("\n");
  } catch (const CLI::ParseError& error) {
    throw UsageError(fmt::format("{}; --help shows what each option takes", error.what()));
  }
  if (const std::vector<std::string> extras = app_.remaining(); !extras.empty()) {
    throw UsageError(unknown_option(app_, extras.front()));
  }
  return std::nullopt;
}

int guarded(const char* program, const std::function<int()>& run) {
  const auto explain = [program](const std::exception& error, int code) {
    say(stderr, "{}: {}\n", program, error.what());
    return code;
  };
  try {
    return run();
  } catch (const UsageError& error) {
    return explain(error, kBadUsage);
  } catch (const results::FormatError& error) {
    return explain(error, kBadUsage);
  } catch (const std::system_error& error) {
    say(stderr, "{}: {}\n", program, harness::explain(error).reason);
    return kFailed;
  } catch (const std::exception& error) {
    return explain(error, kFailed);
  }
}

int front_door(int argc, const char* const* argv, const ProgramText& program,
               const std::function<void(CLI::App&)>& add_options, const std::function<int()>& run) {
  return guarded(program.name, [&] {
    CommandLineParser parser(program);
    add_options(parser.app());
    if (const auto answer = parser.parse(argc, argv)) {
      say(stdout, "{}", *answer);
      return kDone;
    }
    return run();
  });
}

CLI::Validator percentage(bool zero_allowed) {
  const auto to_share = [zero_allowed](std::string& text) {
    constexpr std::array kUnits = {Unit{"", 1}, Unit{"%", 1}};
    const auto percent = amount(text, kUnits);
    if (!percent || !(*percent < 100) || *percent < 0 || (*percent <= 0 && !zero_allowed)) {
      return fmt::format("'{}' is not a percentage {} 0 and below 100, such as 3%", text,
                         zero_allowed ? "from" : "above");
    }
    text = fmt::format("{}", *percent / 100);
    return std::string();
  };
  return {to_share, ""};
}

CLI::Validator duration() {
  const auto to_seconds = [](std::string& text) {
    constexpr std::array kUnits = {Unit{"", 1}, Unit{"s", 1}, Unit{"m", 60}, Unit{"h", 3600}};
    const auto seconds = amount(text, kUnits);
    if (!seconds || !(*seconds > 0) || !std::isfinite(*seconds)) {
      return fmt::format("'{}' is not a time above 0 in seconds, or with s, m or h behind it",
                         text);
    }
    text = fmt::format("{}", *seconds);
    return std::string();
  };
  return {to_seconds, ""};
}

CLI::Validator whole_number(std::uint64_t least, std::uint64_t most) {
  const auto check = [least, most](std::string& text) {
    const auto number = to_number<std::uint64_t>(text);
    if (!number || *number < least || *number > most) {
      return fmt::format("'{}' is not a number from {} to {}", text, least, most);
    }
    text = std::to_string(*number);
    return std::string();
  };
  return {check, ""};
}

CLI::Validator one_of(std::vector<std::string> words) {
  const auto check = [words = std::move(words)](const std::string& word) {
    return std::ranges::find(words, word) != words.end() ? std::string()
                                                         : unknown_word("value", word, words);
  };
  return {check, ""};
}

fs::path results_file(const fs::path& named) {
  std::error_code error;
  if (!fs::exists(named, error)) {
    throw UsageError(fmt::format("{} does not exist; name a run's directory or its results.json",
                                 named.string()));
  }
  if (!fs::is_directory(named)) return named;
  if (!fs::exists(named / "results.json", error)) {
    throw UsageError(fmt::format("{} has no results.json; name the directory that bench-run wrote",
                                 named.string()));
  }
  return named / "results.json";
}

std::vector<analysis::Profile> advised(const std::vector<std::string>& texts) {
  std::vector<analysis::Profile> profiles;
  for (const std::string& text : texts) {
    try {
      profiles.push_back(analysis::profile_from_text(text));
    } catch (const std::invalid_argument& error) {
      throw UsageError(fmt::format("--advise: {}", error.what()));
    }
  }
  return profiles;
}

}  // namespace patchbench::harness
