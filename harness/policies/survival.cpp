#include "harness/policies/survival.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>
#include <sys/utsname.h>

#include "harness/machine/machine.hpp"
#include "harness/process/denial.hpp"
#include "harness/process/forked.hpp"
#include "strategies/code_zone.hpp"
#include "strategies/example/tiny_function.hpp"
#include "strategies/mapping.hpp"
#include "strategies/publish.hpp"
#include "strategies/registry.hpp"

namespace patchbench::harness {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kNoPolicy = "none";

constexpr std::array kOutcomes = {
    std::pair{Outcome::survives, std::string_view("survives")},
    std::pair{Outcome::refused, std::string_view("refused")},
    std::pair{Outcome::wrong, std::string_view("wrong")},
    std::pair{Outcome::crashed, std::string_view("crashed")},
    std::pair{Outcome::not_set, std::string_view("not-set")},
    std::pair{Outcome::unavailable, std::string_view("unavailable")},
};

constexpr std::array kSettings = {
    std::pair{PolicySetting::set, std::string_view("set")},
    std::pair{PolicySetting::needs_rights, std::string_view("needs-rights")},
    std::pair{PolicySetting::not_here, std::string_view("not-here")},
};

template <typename Names, typename Value>
std::string_view name_in(const Names& names, Value value) {
  return std::ranges::find(names, value, &Names::value_type::first)->second;
}

template <typename Names>
auto value_in(const Names& names, std::string_view name) {
  return std::ranges::find(names, name, &Names::value_type::second)->first;
}

/// What a child says of a pair that was tried.
Json said(Outcome outcome, std::string_view reason) {
  return {{"outcome", name_in(kOutcomes, outcome)}, {"reason", reason}};
}

template <class Zone>
bool patches_and_executes(Zone& zone, std::uint64_t replaced, std::uint16_t value) {
  const ExecAddress at = zone.exec();
  {
    const PatchScope scope{zone, at, sizeof replaced};
    patch_word(zone.writable(at), replaced, function_returning(value));
    publish(at, zone.writable(at), sizeof replaced, Zone::kAlias);
  }
  return at.as_function<int()>()() == value;
}

template <class Zone>
Json try_zone() {
  try {
    Zone zone{ZoneRequest{.size = 2 * page_size()}};
    if (!patches_and_executes(zone, 0, 1) ||
        !patches_and_executes(zone, function_returning(1), 2)) {
      return said(Outcome::wrong, "it does not execute what was patched in");
    }
    zone.seal();
    if (zone.exec().template as_function<int()>()() == 2) return said(Outcome::survives, "");
    return said(Outcome::wrong, "it executes something else once its code is sealed");
  } catch (const std::system_error& error) {
    const Denial denial = explain(error);
    Json json = said(Outcome::refused, denial.reason);
    json["call"] = denial.call;
    json["error"] = denial.error.value_or("");
    return json;
  }
}

/// A strategy of the registry, without its type.
struct Candidate {
  std::string_view id;
  std::span<const Refusal> refusals;
  std::string (*why_unavailable)();
  Json (*try_it)();
};

template <class... Strategies>
std::vector<Candidate> candidates_of(std::tuple<Strategies...> /*list*/) {
  return {Candidate{.id = Strategies::kId,
                    .refusals = refusals_of<typename Strategies::Zone>(),
                    .why_unavailable = &patchbench::why_unavailable<typename Strategies::Zone>,
                    .try_it = &try_zone<typename Strategies::Zone>}...};
}

Json in_words(const AppliedPolicy& applied) {
  return {{"setting", name_in(kSettings, applied.setting)}, {"reason", applied.reason}};
}

AppliedPolicy apply_if_any(const std::optional<Policy>& policy) {
  return policy ? apply(*policy) : AppliedPolicy{};
}

AppliedPolicy try_to_set(const std::optional<Policy>& policy) {
  const Forked child = run_forked([&] { return in_words(apply_if_any(policy)).dump(); });
  if (!child.returned()) {
    return {.setting = PolicySetting::not_here,
            .reason = fmt::format("setting it ends a process with {}", child.ending)};
  }
  const Json json = Json::parse(child.text);
  return {.setting = value_in(kSettings, json.at("setting").get<std::string>()),
          .reason = json.at("reason").get<std::string>()};
}

Survival survival_of(const Forked& child) {
  if (!child.returned()) {
    return {.outcome = Outcome::crashed,
            .call = {},
            .error = child.ending,
            .reason = fmt::format("it ends with {}", child.ending)};
  }
  const Json json = Json::parse(child.text);
  return {.outcome = value_in(kOutcomes, json.at("outcome").get<std::string>()),
          .call = json.value("call", ""),
          .error = json.value("error", ""),
          .reason = json.at("reason").get<std::string>()};
}

bool is_as_stated(const Survival& survival, const Candidate& candidate,
                  const std::optional<Policy>& policy) {
  const auto stated = std::ranges::find_if(
      candidate.refusals, [&](const Refusal& refusal) { return policy == refusal.policy; });
  if (stated == candidate.refusals.end()) return survival.outcome == Outcome::survives;
  return survival.outcome == Outcome::refused && survival.reason.starts_with(stated->call) &&
         survival.error == strerrorname_np(stated->error);
}

Survival try_pair(const Candidate& candidate, const TriedPolicy& tried) {
  if (tried.applied.setting != PolicySetting::set) {
    return {.outcome = Outcome::not_set, .call = {}, .error = {}, .reason = tried.applied.reason};
  }
  if (std::string reason = candidate.why_unavailable(); !reason.empty()) {
    return {.outcome = Outcome::unavailable, .call = {}, .error = {}, .reason = std::move(reason)};
  }
  Survival survival = survival_of(run_forked([&] {
    const AppliedPolicy applied = apply_if_any(tried.policy);
    if (applied.setting != PolicySetting::set) return said(Outcome::not_set, applied.reason).dump();
    return candidate.try_it().dump();
  }));
  survival.as_stated = is_as_stated(survival, candidate, tried.policy);
  return survival;
}

std::string_view word_of(const std::optional<Policy>& policy) {
  return policy ? policy_info(*policy).word : kNoPolicy;
}

/// What stands in the matrix; what more there is to say stands below it.
std::string_view cell_text(const Survival& survival, const TriedPolicy& tried) {
  switch (survival.outcome) {
    case Outcome::survives:
      return "yes";
    case Outcome::refused:
      return "no";
    case Outcome::wrong:
      return "wrong";
    case Outcome::crashed:
      return survival.error;
    case Outcome::not_set:
      return tried.applied.setting == PolicySetting::needs_rights ? "needs root" : "not here";
    case Outcome::unavailable:
      return "no hardware";
  }
  return "";
}

std::vector<std::vector<std::string>> cells_of(const SurvivalMatrix& matrix) {
  std::vector<std::vector<std::string>> rows;
  rows.reserve(matrix.strategies.size() + 1);
  rows.push_back({"strategy"});
  for (const TriedPolicy& tried : matrix.policies) rows.front().emplace_back(word_of(tried.policy));
  for (const TriedStrategy& strategy : matrix.strategies) {
    std::vector<std::string> row = {strategy.id};
    for (std::size_t i = 0; i < matrix.policies.size(); ++i) {
      row.emplace_back(cell_text(strategy.under[i], matrix.policies[i]));
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

std::string aligned(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths(rows.front().size());
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) line += fmt::format("{:<{}}  ", row[i], widths[i]);
    text += fmt::format("{}\n", line.substr(0, line.find_last_not_of(' ') + 1));
  }
  return text;
}

/// Who is refused how, with those that are refused alike in one place.
std::string refusals_text(const SurvivalMatrix& matrix, std::size_t policy) {
  std::vector<std::pair<std::string, std::vector<std::string_view>>> groups;
  for (const TriedStrategy& strategy : matrix.strategies) {
    const Survival& survival = strategy.under[policy];
    if (survival.outcome == Outcome::survives || survival.outcome == Outcome::not_set) continue;
    std::string how = survival.outcome == Outcome::refused
                          ? fmt::format("{} {}", survival.call, survival.error)
                          : survival.reason;
    const auto same = std::ranges::find(groups, how, &decltype(groups)::value_type::first);
    if (same == groups.end()) {
      groups.emplace_back(std::move(how), std::vector<std::string_view>{strategy.id});
    } else {
      same->second.push_back(strategy.id);
    }
  }
  std::string text;
  for (const auto& [how, who] : groups) {
    text += fmt::format("  {}: {}: {}\n", word_of(matrix.policies[policy].policy), how,
                        fmt::join(who, ", "));
  }
  return text;
}

std::string differences_text(const SurvivalMatrix& matrix) {
  std::string text;
  for (const TriedStrategy& strategy : matrix.strategies) {
    for (std::size_t i = 0; i < matrix.policies.size(); ++i) {
      if (strategy.under[i].as_stated) continue;
      text += fmt::format("  {} under {}\n", strategy.id, word_of(matrix.policies[i].policy));
    }
  }
  return text.empty() ? text : "Otherwise than patchbench says of it (docs/policies.md):\n" + text;
}

Json or_null(std::string_view text) { return text.empty() ? Json(nullptr) : Json(text); }

Json to_json(const Survival& survival) {
  return {{"outcome", name_in(kOutcomes, survival.outcome)},
          {"call", or_null(survival.call)},
          {"error", or_null(survival.error)},
          {"reason", or_null(survival.reason)},
          {"as_stated", survival.as_stated}};
}

Json to_json(const TriedPolicy& tried) {
  return {{"id", word_of(tried.policy)},
          {"name", tried.policy ? policy_info(*tried.policy).id : kNoPolicy},
          {"setting", name_in(kSettings, tried.applied.setting)},
          {"reason", or_null(tried.applied.reason)}};
}

}  // namespace

SurvivalMatrix find_survival() {
  SurvivalMatrix matrix;
  matrix.policies.push_back({});
  for (const PolicyInfo& info : kPolicies) {
    matrix.policies.push_back({.policy = info.policy, .applied = try_to_set(info.policy)});
  }
  for (const Candidate& candidate : candidates_of(StrategyList{})) {
    TriedStrategy strategy{.id = std::string(candidate.id), .under = {}};
    for (const TriedPolicy& tried : matrix.policies) {
      strategy.under.push_back(try_pair(candidate, tried));
    }
    matrix.strategies.push_back(std::move(strategy));
  }
  return matrix;
}

std::string survival_text(const SurvivalMatrix& matrix) {
  std::string text =
      fmt::format("Does it patch and execute under the policy?\n\n{}\n", aligned(cells_of(matrix)));
  for (std::size_t i = 0; i < matrix.policies.size(); ++i) text += refusals_text(matrix, i);
  for (const TriedPolicy& tried : matrix.policies) {
    if (tried.applied.setting == PolicySetting::set) continue;
    text += fmt::format("  {} was not set: {}\n", word_of(tried.policy), tried.applied.reason);
  }
  return text + differences_text(matrix);
}

std::string survival_json(const SurvivalMatrix& matrix) {
  Json policies = Json::array();
  for (const TriedPolicy& tried : matrix.policies) policies.push_back(to_json(tried));
  Json strategies = Json::array();
  for (const TriedStrategy& strategy : matrix.strategies) {
    Json under;
    for (std::size_t i = 0; i < matrix.policies.size(); ++i) {
      under[std::string(word_of(matrix.policies[i].policy))] = to_json(strategy.under[i]);
    }
    strategies.push_back({{"id", strategy.id}, {"under", std::move(under)}});
  }
  utsname kernel{};
  uname(&kernel);
  const Json document = {{"arch", machine_name()},
                         {"kernel", kernel.release},
                         {"policies", std::move(policies)},
                         {"strategies", std::move(strategies)}};
  return document.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace patchbench::harness
