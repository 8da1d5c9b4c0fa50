#include "results/json.hpp"

#include "results/file.hpp"
#include "results/visitors.hpp"

namespace patchbench::results {
namespace {

/// Whatever fits goes on one line, so that a person can read a cell and a diff shows what changed.
void lay_out(const Json& value, std::size_t indent, std::string& out) {
  constexpr std::size_t kLineWidth = 118;
  const std::string line = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (!value.is_structured() || value.empty() || line.size() + indent <= kLineWidth) {
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
  std::string text;
  lay_out(to_json(results), 0, text);
  text += '\n';
  return text;
}

Results from_json_text(std::string_view text, std::string_view source) {
  const Json document = parse_json(text, source);
  const Field root(document, source);
  // First of all: a later version may look different everywhere else.
  const Field version = root.member("schema_version");
  if (version.integer() != kSchemaVersion) {
    version.fail("is " + std::to_string(version.integer()) + ", but this program reads version " +
                 std::to_string(kSchemaVersion));
  }
  return from_json<Results>(root);
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
