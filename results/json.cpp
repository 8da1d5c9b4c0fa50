#include "results/json.hpp"

#include <algorithm>

#include "results/file.hpp"
#include "results/missing_counters.hpp"
#include "results/visitors.hpp"

namespace patchbench::results {
namespace {

/// Of numbers, nulls and words, such as a metric's samples: by line they would be half of a file.
bool is_flat_list(const Json& value) {
  return value.is_array() &&
         std::ranges::none_of(value, [](const Json& one) { return one.is_structured(); });
}

/// Whatever fits goes on one line, so that a person can read a cell and a diff shows what changed.
void lay_out(const Json& value, std::size_t indent, std::string& out) {
  constexpr std::size_t kLineWidth = 118;
  const std::string line = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  const bool fits = line.size() + indent <= kLineWidth;
  if (!value.is_structured() || value.empty() || fits || is_flat_list(value)) {
    out += line;
    return;
  }
  const bool object = value.is_object();
  out += object ? '{' : '[';
  const char* separator = "";
  for (const auto& [key, element] : value.items()) {
    out += separator;
    out += '\n';
    out.append(indent + 1, ' ');
    if (object) out += Json(key).dump(-1, ' ', false, Json::error_handler_t::replace) + ": ";
    lay_out(element, indent + 1, out);
    separator = ",";
  }
  out += '\n';
  out.append(indent, ' ');
  out += object ? '}' : ']';
}

}  // namespace

std::string to_json_text(const Results& results) {
  Results filed = results;
  filed.schema_version = kSchemaVersion;
  fold_missing_counters(filed);
  std::string text;
  lay_out(to_json(filed), 0, text);
  text += '\n';
  return text;
}

Results from_json_text(std::string_view text, std::string_view source) {
  const Json document = parse_json(text, source);
  const Field root(document, source);
  // First of all: a later version may look different everywhere else.
  const Field version = root.member("schema_version");
  if (version.integer() < kOldestSchemaVersion || version.integer() > kSchemaVersion) {
    version.fail("is " + std::to_string(version.integer()) + ", but this program reads versions " +
                 std::to_string(kOldestSchemaVersion) + " to " + std::to_string(kSchemaVersion));
  }
  auto results = from_json<Results>(root);
  spread_missing_counters(results);
  return results;
}

Results read_results(const std::filesystem::path& path) {
  const std::filesystem::path file =
      std::filesystem::is_directory(path) ? path / "results.json" : path;
  return from_json_text(read_text(file), file.string());
}

void write_results(const Results& results, const std::filesystem::path& file) {
  write_text_atomically(file, to_json_text(results));
}

}  // namespace patchbench::results
