#include "results/journal.hpp"

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>

#include "results/fields.hpp"

namespace patchbench::results {
namespace {

Json metrics_to_json(const std::vector<JournalMetric>& metrics) {
  Json list = Json::array();
  for (const JournalMetric& metric : metrics) {
    list.push_back(Json{{"name", metric.name},
                        {"unit", metric.unit},
                        {"batches", numbers_to_json(metric.batches)},
                        {"median", number_to_json(metric.median)},
                        {"batches_ms", number_to_json(metric.batches_ms)},
                        {"latency_ns", number_to_json(metric.latency_ns)},
                        {"throughput_ns", number_to_json(metric.throughput_ns)},
                        {"low", number_to_json(metric.low)}});
  }
  return list;
}

JournalMetric metric_from(const Field& field) {
  JournalMetric metric;
  metric.name = field.member("name").name();
  metric.unit = field.member("unit").name();
  metric.batches = field.member("batches").list(&Field::number);
  metric.median = field.member("median").non_negative();
  metric.batches_ms = field.later("batches_ms", &Field::non_negative);
  metric.latency_ns = field.later("latency_ns", &Field::positive);
  metric.throughput_ns = field.later("throughput_ns", &Field::positive);
  metric.low = field.later("low", &Field::non_negative);
  return metric;
}

/// How much of a journal is complete lines.
std::size_t complete_size(std::string_view text) {
  const std::size_t newline = text.rfind('\n');
  return newline == std::string_view::npos ? 0 : newline + 1;
}

}  // namespace

std::string journal_line(const JournalEntry& entry) {
  Json line = {{"round", entry.round},
               {"order", entry.order},
               {"cell", entry.cell},
               {"layout", nullable_to_json(entry.layout)},
               {"in_group", nullable_to_json(entry.in_group)},
               {"group_size", nullable_to_json(entry.group_size)},
               {"status", to_string(entry.status)},
               {"call", entry.call},
               {"errno", nullable_to_json(entry.error)},
               {"reason", entry.reason},
               {"started", entry.started},
               {"wall_ms", number_to_json(entry.wall_ms)},
               {"between_ms", number_to_json(entry.between_ms)},
               {"parent_cpu_ms", number_to_json(entry.parent_cpu_ms)},
               {"metrics", metrics_to_json(entry.metrics)},
               {"counters", counters_to_json(entry.counters)},
               {"memory", memory_to_json(entry.memory)},
               {"calibration_before_ns", number_to_json(entry.calibration_before_ns)},
               {"calibration_after_ns", number_to_json(entry.calibration_after_ns)},
               {"steal_ticks", nullable_to_json(entry.steal_ticks)},
               {"max_rss_kib", nullable_to_json(entry.max_rss_kib)}};
  if (!entry.counted.empty()) line["counted"] = entry.counted;
  return line.dump(-1, ' ', false, Json::error_handler_t::replace);
}

JournalEntry parse_journal_line(std::string_view line, std::string_view source) {
  const Json document = parse_json(line, source);
  const Field root(document, source);
  const auto count = [](const Field& value) { return value.integer(0); };
  JournalEntry entry;
  if (const auto counted = root.find("counted")) entry.counted = counted->name();
  entry.round = root.member("round").small(0);
  entry.order = root.member("order").small(0);
  entry.cell = root.member("cell").name();
  entry.layout = root.later("layout", [](const Field& value) { return value.small(0); });
  entry.in_group = root.later("in_group", [](const Field& value) { return value.small(0); });
  entry.group_size = root.later("group_size", [](const Field& value) { return value.small(1); });
  entry.status = root.member("status").one_of(kCellStatuses);
  entry.call = root.member("call").text();
  entry.error = root.member("errno").nullable(&Field::text);
  entry.reason = root.member("reason").text();
  entry.started = root.member("started").text();
  entry.wall_ms = root.member("wall_ms").non_negative();
  entry.between_ms = root.later("between_ms", &Field::non_negative);
  entry.parent_cpu_ms = root.later("parent_cpu_ms", &Field::non_negative);
  entry.metrics = root.member("metrics").list(metric_from);
  entry.counters = counters_from(root.member("counters"));
  entry.memory = memory_from(root.member("memory"));
  entry.calibration_before_ns = root.member("calibration_before_ns").nullable(&Field::non_negative);
  entry.calibration_after_ns = root.member("calibration_after_ns").nullable(&Field::non_negative);
  entry.steal_ticks = root.member("steal_ticks").nullable(count);
  entry.max_rss_kib = root.member("max_rss_kib").nullable(count);
  return entry;
}

JournalWriter::JournalWriter(const std::filesystem::path& file)
    : file_(file, O_RDWR | O_CREAT | O_APPEND) {
  if (!file_.lock()) {
    throw std::system_error(EWOULDBLOCK, std::generic_category(),
                            file.string() + " is being written by another process");
  }
  const std::uint64_t size = file_.size();
  if (size == 0) return;
  const std::size_t complete = complete_size(read_text(file));
  if (complete != size) file_.truncate(complete);
}

void JournalWriter::append(std::span<const JournalEntry> entries) {
  std::string lines;
  for (const JournalEntry& entry : entries) {
    lines += journal_line(entry) + '\n';
  }
  const std::uint64_t before = file_.size();
  const std::size_t written = file_.write_once(lines);
  if (written == lines.size()) {
    if (const auto now = std::chrono::steady_clock::now(); now - synced_ >= kSyncInterval) {
      file_.sync();
      synced_ = now;
    }
    return;
  }
  file_.truncate(before);
  throw std::system_error(ENOSPC, std::generic_category(),
                          "cannot write " + path().string() + ": only " + std::to_string(written) +
                              " of " + std::to_string(lines.size()) +
                              " bytes of a line fitted (full disk, quota or file size limit)");
}

std::vector<JournalEntry> journal_from_text(std::string_view text, std::string_view source) {
  std::string_view rest = text.substr(0, complete_size(text));
  std::vector<JournalEntry> entries;
  for (int number = 1; !rest.empty(); ++number) {
    const std::size_t end = rest.find('\n');
    entries.push_back(parse_journal_line(rest.substr(0, end),
                                         std::string(source) + ":" + std::to_string(number)));
    rest.remove_prefix(end + 1);
  }
  return entries;
}

std::vector<JournalEntry> read_journal(const std::filesystem::path& file) {
  return journal_from_text(read_text(file), file.string());
}

}  // namespace patchbench::results
