// write_seeds DIR: what the fuzzers start from, made of the tests' samples, so that it follows the
// schema by itself: DIR/results, DIR/journal, and DIR/words, a dictionary of the members' names.

#include <cstdio>
#include <exception>
#include <filesystem>
#include <set>
#include <string>

#include <nlohmann/json.hpp>

#include "results/file.hpp"
#include "results/journal.hpp"
#include "results/json.hpp"
#include "results/sample_test.hpp"

namespace {

namespace fs = std::filesystem;
using patchbench::results::write_text_atomically;
using Json = nlohmann::ordered_json;

void collect_words(const Json& value, std::set<std::string>& words) {
  if (value.is_string()) words.insert(value.dump());
  if (!value.is_structured()) return;
  for (const auto& [key, inner] : value.items()) {
    if (value.is_object()) words.insert(Json(key).dump());
    collect_words(inner, words);
  }
}

void write_seeds(const fs::path& directory) {
  namespace results = patchbench::results;
  for (const char* name : {"results", "journal"}) fs::create_directories(directory / name);
  results::Results sample = results::sample_results();
  const std::string text = results::to_json_text(sample);
  write_text_atomically(directory / "results" / "sample.json", text);
  write_text_atomically(directory / "results" / "compact.json", Json::parse(text).dump());
  sample.cells.clear();
  write_text_atomically(directory / "results" / "no_cells.json", results::to_json_text(sample));
  const std::string line = results::journal_line(results::sample_entry(0)) + '\n';
  write_text_atomically(directory / "journal" / "line.jsonl", line);
  write_text_atomically(directory / "journal" / "torn.jsonl", line + line.substr(0, 200));
  std::set<std::string> words;
  collect_words(Json::parse(text), words);
  collect_words(Json::parse(line), words);
  std::string dictionary;
  for (const std::string& word : words) dictionary += Json(word).dump() + '\n';
  write_text_atomically(directory / "words", dictionary);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  try {
    write_seeds(argv[1]);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "write_seeds: %s\n", error.what());
    return 1;
  }
}
