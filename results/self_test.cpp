// The self-test's part of results.json.
#include "results/fields.hpp"

namespace patchbench::results {
namespace {

Json line_to_json(const SelfTestLine& line) {
  return {{"name", line.name},
          {"unit", line.unit},
          {"value", number_to_json(line.value)},
          {"ci95", interval_to_json(line.ci95)},
          {"verdict", line.verdict ? Json(to_string(*line.verdict)) : Json(nullptr)},
          {"rounds", line.rounds},
          {"told_after", nullable_to_json(line.told_after)},
          {"passed", line.passed},
          {"reason", line.reason},
          {"samples", samples_to_json(line.samples)}};
}

SelfTestLine line_from(const Field& field) {
  SelfTestLine line;
  line.name = field.member("name").name();
  line.unit = field.member("unit").name();
  line.value = field.member("value").nullable(&Field::non_negative);
  line.ci95 = field.member("ci95").nullable(&Field::interval);
  line.verdict = field.member("verdict").nullable(
      [](const Field& verdict) { return verdict.one_of(kVerdicts); });
  line.rounds = field.member("rounds").small(0);
  line.told_after =
      field.member("told_after").nullable([](const Field& rounds) { return rounds.small(1); });
  line.passed = field.member("passed").boolean();
  line.reason = field.member("reason").text();
  line.samples = field.member("samples").list(
      [](const Field& sample) { return sample.nullable(&Field::positive); });
  return line;
}

}  // namespace

Json self_test_to_json(const std::optional<SelfTest>& test) {
  if (!test) return nullptr;
  Json lines = Json::array();
  for (const SelfTestLine& line : test->lines) lines.push_back(line_to_json(line));
  return {{"date", test->date},
          {"passed", passed(*test)},
          {"stopped", test->stopped},
          {"lines", std::move(lines)}};
}

SelfTest self_test_from(const Field& field) {
  SelfTest test;
  test.date = field.member("date").text();
  test.stopped = field.member("stopped").text();
  const Field lines = field.member("lines");
  test.lines = lines.list(line_from);
  const Field all = field.member("passed");
  if (all.boolean() != passed(test)) all.fail("does not agree with what its lines say");
  return test;
}

}  // namespace patchbench::results
