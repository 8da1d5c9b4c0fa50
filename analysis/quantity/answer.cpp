#include "analysis/quantity/answer.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "analysis/quantity/break_even.hpp"
#include "analysis/quantity/comparable.hpp"
#include "analysis/quantity/identical.hpp"
#include "analysis/quantity/relink_rate.hpp"
#include "analysis/quantity/selection.hpp"
#include "analysis/quantity/shared_patch.hpp"
#include "analysis/render/numbers.hpp"
#include "analysis/render/wrap.hpp"
#include "analysis/statistics/statistics.hpp"

namespace patchbench::analysis {
namespace {

using results::Cheaper;
using results::Metric;
using results::Params;
using results::ProfileAnswer;
using results::ProfileCost;
using results::Verdict;
using Samples = std::vector<std::optional<double>>;

constexpr std::int64_t kFewSites = 512;
constexpr std::int64_t kManySites = 16384;
constexpr double kRarely = 1e-6;
constexpr double kOften = 1e-2;
/// In one sentence; the profiles have all.
constexpr std::size_t kMostNames = 4;

// ---- what was measured nearest to a profile ----

std::optional<CostAt> sends_near(const Quantities& run, std::int64_t sites) {
  const std::array<Preference, 1> wanted = {{{"sites", sites}}};
  const auto params = nearest(param_sets(run, "mic"), wanted);
  return params ? std::optional(sends_at(*params)) : std::nullopt;
}

std::optional<CostAt> patches_near(const Quantities& run, std::int64_t sites) {
  const std::array<Preference, 1> wanted = {{{"sites", sites}}};
  const auto params = nearest(single_patches(run), wanted);
  return params ? std::optional(patches_at(run, *params)) : std::nullopt;
}

Samples samples_of(const Metric* metric) {
  return metric == nullptr ? Samples{} : with_zeros(*metric);
}

/// A send and its share of a patch, round by round. Empty where one of them has no value.
Samples costs(const Quantities& run, const CostAt& send, const std::optional<CostAt>& patch,
              double rate, const std::string& strategy) {
  Samples sum = samples_of(find_cost(run, send, strategy));
  if (!patch) return sum;
  const Samples patches = samples_of(find_cost(run, *patch, strategy));
  sum.resize(std::min(sum.size(), patches.size()));
  for (std::size_t round = 0; round < sum.size(); ++round) {
    if (sum[round] && patches[round]) {
      *sum[round] += rate * *patches[round];
    } else {
      sum[round].reset();
    }
  }
  return sum;
}

/// A run may look at some strategies in few of its rounds. What it cannot decide it does not weigh.
bool is_in_few_rounds(const Quantities& run, const std::string& id) {
  const auto& cells = run.results().cells;
  const auto is_its = [&](const results::Cell& cell) { return cell.strategy == id; };
  return std::ranges::any_of(cells, is_its) &&
         std::ranges::all_of(cells, [&](const results::Cell& cell) {
           return !is_its(cell) || cell.every.value_or(1) > 1;
         });
}

bool is_candidate(const Quantities& run, const std::string& id) {
  const auto* status = run.status(id);
  return !run.is_control(id) && !is_in_few_rounds(run, id) &&
         (status == nullptr || status->status == results::Availability::available);
}

bool needs_both(const Quantities& run, const std::string& id) {
  const auto* status = run.status(id);
  return status != nullptr && status->writable_and_executable.value_or(false);
}

struct Candidate {
  std::string id;
  Samples samples;
  double median = 0;
  std::string protocol = {};  // by which it patches what other threads execute
};

void add_candidate(Candidate one, std::vector<Candidate>& all) {
  const auto middle = median(present(one.samples));
  if (!middle) return;
  one.median = *middle;
  all.push_back(std::move(one));
}

std::vector<Candidate> from_the_cheapest(std::vector<Candidate> all) {
  std::ranges::stable_sort(all, {}, &Candidate::median);
  return all;
}

std::vector<Candidate> alone(const Quantities& run, const CostAt& send,
                             const std::optional<CostAt>& patch, double rate) {
  std::vector<Candidate> all;
  for (const std::string& id : run.strategies()) {
    if (is_candidate(run, id)) add_candidate({id, costs(run, send, patch, rate, id)}, all);
  }
  return from_the_cheapest(std::move(all));
}

/// A send and its share of a patch for all threads, round by round.
Samples costs_beside(const Samples& sends, const SharedPatch& patch, double rate) {
  Samples sum = sends;
  sum.resize(std::min(sum.size(), patch.patch.size()));
  for (std::size_t round = 0; round < sum.size(); ++round) {
    if (sum[round] && patch.patch[round]) {
      *sum[round] += *patch.send[round] + rate * *patch.patch[round];
    } else {
      sum[round].reset();
    }
  }
  return sum;
}

/// Each under the protocol that suits it best.
std::vector<Candidate> beside_threads(const Quantities& run, const CostAt& send,
                                      const Profile& profile,
                                      std::vector<std::string>& unmeasured) {
  std::vector<Candidate> all;
  for (const std::string& id : run.strategies()) {
    if (!is_candidate(run, id)) continue;
    std::vector<Candidate> by_protocol;
    for (const SharedPatch& patch : shared_patches(run, id, profile.threads)) {
      const Samples sends = samples_of(find_cost(run, send, id));
      add_candidate({.id = id,
                     .samples = costs_beside(sends, patch, profile.rate),
                     .protocol = patch.protocol},
                    by_protocol);
    }
    by_protocol = from_the_cheapest(std::move(by_protocol));
    if (by_protocol.empty()) {
      unmeasured.push_back(id);
    } else {
      all.push_back(by_protocol.front());
    }
  }
  return from_the_cheapest(std::move(all));
}

ProfileCost cost_against(const Candidate& one, const Candidate& cheapest, double delta) {
  ProfileCost cost{.strategy = one.id, .ns = one.median, .protocol = one.protocol};
  if (&one == &cheapest) {
    cost.verdict = Verdict::same;
    return cost;
  }
  const PairedRatio ratio = paired_ratio(one.samples, cheapest.samples);
  cost.ratio = ratio.median;
  cost.ci95 = deciding_interval(ratio);
  cost.verdict = plain_verdict(cost.ci95, delta);
  return cost;
}

// ---- break-even ----

/// The run's own, corrected for the number of ratios: as the tables beside it have it.
Verdict verdict_of(const Quantities& run, const CostAt& at, const std::string& id) {
  const Quantity time = run.time({at.workload, at.params}, id, at.metric);
  return time.value && time.ratio != nullptr ? time.ratio->verdict : Verdict::inconclusive;
}

Cheaper where_cheaper(Verdict patch, Verdict send) {
  if (patch == Verdict::inconclusive || send == Verdict::inconclusive) return Cheaper::inconclusive;
  if (patch == Verdict::same && send == Verdict::same) return Cheaper::same;
  if (patch == Verdict::faster) return send == Verdict::slower ? Cheaper::below : Cheaper::always;
  if (send == Verdict::faster) return patch == Verdict::slower ? Cheaper::above : Cheaper::always;
  return Cheaper::never;
}

results::BreakEvenAnswer break_even_answer(const Quantities& run, const CostAt& patch,
                                           const CostAt& send, const std::string& id) {
  results::BreakEvenAnswer answer{.strategy = id,
                                  .sites = integer_param(send.params, "sites").value_or(1)};
  answer.cheaper = where_cheaper(verdict_of(run, patch, id), verdict_of(run, send, id));
  if (answer.cheaper == Cheaper::below || answer.cheaper == Cheaper::above) {
    const BreakEven found = break_even(run, patch, send, id, run.results().baseline);
    answer.sends = found.sends;
    answer.ci95 = found.interval;
  }
  return answer;
}

/// At the sites nearest to the measured ones, for the same strategy; nullptr where it has none.
results::BreakEvenAnswer* nearest_modelled(std::vector<results::BreakEvenAnswer>& answers,
                                           const results::BreakEvenAnswer& measured) {
  const auto distance = [&](const results::BreakEvenAnswer& one) {
    return std::abs(std::log(static_cast<double>(one.sites) / static_cast<double>(measured.sites)));
  };
  results::BreakEvenAnswer* found = nullptr;
  for (results::BreakEvenAnswer& one : answers) {
    if (one.strategy != measured.strategy || one.measured) continue;
    if (found == nullptr || distance(one) < distance(*found)) found = &one;
  }
  return found;
}

// ---- sentences ----

std::string often(double rate) {
  if (rate <= 0) return "no patches";
  if (rate >= 1) return "a patch before every send";
  return fmt::format("1 patch in {} sends", grouped(std::llround(1 / rate)));
}

bool holds(const std::vector<std::string>& ids, const std::string& id) {
  return std::ranges::find(ids, id) != ids.end();
}

std::string between(const std::vector<std::int64_t>& sorted) {
  std::vector<std::string> texts;
  texts.reserve(sorted.size());
  for (const std::int64_t one : sorted) texts.push_back(grouped(one));
  return joined(texts, " and ");
}

/// "1 patch in 100 or 1,000,000 sends at 512 and 16,384 sites"; the sites of each rate where those
/// differ.
std::string where(const std::vector<const ProfileAnswer*>& profiles) {
  std::map<std::vector<std::int64_t>, std::vector<double>> rates_by_sites;
  std::map<double, std::vector<std::int64_t>, std::greater<>> sites_by_rate;
  for (const ProfileAnswer* one : profiles) sites_by_rate[one->rate].push_back(one->sites);
  for (auto& [rate, sites] : sites_by_rate) {
    std::ranges::sort(sites);
    rates_by_sites[sites].push_back(rate);
  }
  std::vector<std::string> places;
  for (const auto& [sites, rates] : rates_by_sites) {
    std::vector<std::string> words;
    for (const double rate : rates) words.push_back(often(rate));
    places.push_back(fmt::format("{} at {} sites", joined(words, " or "), between(sites)));
  }
  return joined(places, ", and with ");
}

/// Whether no strategy is shown to cost less there.
bool serves(const ProfileAnswer& profile, const std::string& id) {
  return holds(profile.best, id) || holds(profile.open, id);
}

/// The strategy that serves most of them; of several those first that need no memory that is both
/// writable and executable, that are certain, that more systems allow. Empty for no profiles.
std::string most_useful(const Quantities& run, const std::vector<const ProfileAnswer*>& profiles) {
  std::string chosen;
  std::tuple<std::ptrdiff_t, bool, std::ptrdiff_t, std::ptrdiff_t> most{0, false, 0, 0};
  for (const std::string& id : run.strategies()) {
    const auto* status = run.status(id);
    const auto refusals = status == nullptr ? 0 : std::ssize(status->refused_by);
    const std::tuple value{
        std::ranges::count_if(profiles, [&](const auto* one) { return serves(*one, id); }),
        !needs_both(run, id),
        std::ranges::count_if(profiles, [&](const auto* one) { return holds(one->best, id); }),
        -refusals};
    if (get<0>(value) == 0 || value <= most) continue;
    most = value;
    chosen = id;
  }
  return chosen;
}

/// `where` is empty for what suits most uses.
std::string recommend_one(const Quantities& run, const std::string& id, const std::string& where,
                          const std::vector<const ProfileAnswer*>& served) {
  const bool certain =
      std::ranges::all_of(served, [&](const auto* one) { return holds(one->best, id); });
  std::string text = fmt::format("Use {}{}{}{}", id, where.empty() ? "" : " with ", where,
                                 certain ? "" : ", as far as this run can tell");
  std::vector<std::string> equal;
  for (const std::string& other : run.strategies()) {
    if (other == id ||
        !std::ranges::all_of(served, [&](const auto* one) { return holds(one->best, other); })) {
      continue;
    }
    equal.push_back(needs_both(run, other) ? other + " (writable and executable at once)" : other);
  }
  if (!equal.empty()) {
    text += fmt::format("; equal within {:.3g} %: {}", 100 * delta_of(run.results()),
                        joined_some(equal, kMostNames));
  }
  return text + ".";
}

void recommend(const Quantities& run, results::Answer& answer) {
  std::vector<const ProfileAnswer*> open;
  for (const ProfileAnswer& one : answer.profiles) open.push_back(&one);
  while (!open.empty()) {
    const std::string id = most_useful(run, open);
    if (id.empty()) break;
    // clang 14 cannot take the subrange of std::ranges::stable_partition apart.
    const auto rest = std::stable_partition(open.begin(), open.end(),
                                            [&](const auto* one) { return serves(*one, id); });
    const std::vector<const ProfileAnswer*> served(open.begin(), rest);
    open.erase(open.begin(), rest);
    answer.recommendation.push_back(
        recommend_one(run, id, answer.strategies.empty() ? "" : where(served), served));
    answer.strategies.push_back(id);
  }
}

/// The rounds after which an interval around the same middle, which shrinks with their square root,
/// either leaves 1 out or lies within delta of it.
int rounds_to_decide(const Quantities& run, const Interval& interval) {
  const double middle = std::sqrt(interval[0] * interval[1]);
  const double reach = interval[1] / middle - 1;
  const double off = std::abs(middle - 1);
  const double enough = std::max(off, delta_of(run.results()) - off);
  const double factor = std::pow(reach / enough, 2);
  const int rounds = run.results().run.rounds;
  return std::max(rounds + 1, static_cast<int>(std::ceil(rounds * factor)));
}

void name_undecided(const Quantities& run, results::Answer& answer) {
  std::vector<std::string> open;
  int rounds = 0;
  for (const ProfileAnswer& profile : answer.profiles) {
    for (const ProfileCost& cost : profile.costs) {
      if (!holds(profile.open, cost.strategy) || !cost.ci95 || (*cost.ci95)[0] <= 0) continue;
      rounds = std::max(rounds, rounds_to_decide(run, *cost.ci95));
      // What is recommended is so "as far as this run can tell", which stands with it.
      if (!holds(answer.strategies, cost.strategy)) add_once(open, cost.strategy);
    }
  }
  if (rounds == 0) return;
  const std::string undecided =
      open.empty() ? "Inconclusive"
                   : fmt::format("Inconclusive: {}", joined_some(open, kMostNames));
  answer.recommendation.push_back(
      fmt::format("{}; about {} rounds would decide (--rounds={}).", undecided, rounds, rounds));
}

/// How far the intervals of strategies' ratios reach from their estimates, as shares, sorted.
std::vector<double> reaches(const Quantities& run) {
  std::vector<double> all;
  for (const Quantity& one : run.all()) {
    if (one.set != kTimes || one.ratio == nullptr || run.is_control(one.strategy)) continue;
    const auto interval = deciding_interval(*one.ratio);
    if (!interval || (*interval)[0] <= 0) continue;
    all.push_back(std::sqrt((*interval)[1] / (*interval)[0]) - 1);
  }
  std::ranges::sort(all);
  return all;
}

struct Disturbed {
  int verdicts = 0;
  int lost = 0;
  int reversed = 0;
};

Disturbed without_disturbed(const Quantities& run) {
  Disturbed count;
  for (const Quantity& one : run.all()) {
    if (one.set != kTimes || one.ratio == nullptr || run.is_control(one.strategy)) continue;
    ++count.verdicts;
    if (!one.ratio->undisturbed) continue;
    const Verdict with = one.ratio->verdict;
    const Verdict without = one.ratio->undisturbed->verdict;
    count.lost += with != Verdict::inconclusive && without == Verdict::inconclusive ? 1 : 0;
    count.reversed += (with == Verdict::faster && without == Verdict::slower) ||
                              (with == Verdict::slower && without == Verdict::faster)
                          ? 1
                          : 0;
  }
  return count;
}

std::vector<std::string> trust(const Quantities& run) {
  std::vector<std::string> lines = identical_alarms(run.results());
  const std::vector<double> all = reaches(run);
  if (all.empty()) return lines;
  const Disturbed count = without_disturbed(run);
  lines.push_back(
      fmt::format("Of {} ratios half are known to within {:.2g} %, nine in ten to within {:.2g} %.",
                  all.size(), 100 * all[all.size() / 2], 100 * all[all.size() * 9 / 10]));
  lines.push_back(fmt::format("Without the disturbed samples {} {} certainty, {}.", count.lost,
                              count.lost == 1 ? "verdict loses" : "verdicts lose",
                              count.reversed == 0 ? "none reverses"
                                                  : fmt::format("{} reverse{}", count.reversed,
                                                                count.reversed == 1 ? "s" : "")));
  return lines;
}

std::vector<std::string> refused(const Quantities& run) {
  Grouping reasons;
  for (const results::StrategyStatus& one : run.results().strategies) {
    if (one.status != results::Availability::available && !run.is_control(one.id)) {
      reasons.add(why_missing(run, one.id, nullptr), one.id);
    }
  }
  std::vector<std::string> lines;
  for (const auto& [why, who] : reasons.groups()) lines.push_back(joined(who) + ": " + why);
  return lines;
}

double number_in(const std::string& text, const std::string& whole) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw std::invalid_argument(
        fmt::format("'{}' is not RATE,SITES,THREADS, as in 0.001,4096,1 or 1/1000,4096,1", whole));
  }
  return value;
}

}  // namespace

Profile profile_from_text(const std::string& text) {
  std::array<std::string, 3> parts;
  std::size_t part = 0;
  for (const char letter : text) {
    if (letter == ',' && ++part < parts.size()) continue;
    parts.at(std::min(part, parts.size() - 1)) += letter;
  }
  const auto slash = parts[0].find('/');
  const double above = number_in(parts[0].substr(0, slash), text);
  const double below = slash == std::string::npos ? 1 : number_in(parts[0].substr(slash + 1), text);
  const double sites = number_in(parts[1], text);
  const double threads = number_in(parts[2], text);
  const auto is_whole = [](double value, double most) {
    return value >= 1 && value <= most && value == std::floor(value);
  };
  if (!(below > 0) || !(above >= 0) || above > below) {
    throw std::invalid_argument(fmt::format("RATE in '{}' is not between 0 and 1", text));
  }
  if (!is_whole(sites, 1e12) || !is_whole(threads, 1e6)) {
    throw std::invalid_argument(
        fmt::format("SITES and THREADS in '{}' are not whole numbers from 1 on", text));
  }
  return {above / below, static_cast<std::int64_t>(sites), static_cast<int>(threads)};
}

std::string profile_text(const ProfileAnswer& profile) {
  return often(profile.rate) +
         (profile.threads == 1 ? "" : fmt::format(", {} threads", profile.threads));
}

std::vector<Profile> usual_profiles(const Quantities& run) {
  std::vector<std::int64_t> sites;
  for (const std::int64_t wanted : {kFewSites, kManySites}) {
    const auto send = sends_near(run, wanted);
    if (send) add_once(sites, integer_param(send->params, "sites").value_or(wanted));
  }
  std::vector<Profile> profiles;
  for (const double rate : {kRarely, kOften}) {
    if (rate == kOften && single_patches(run).empty()) continue;
    for (const std::int64_t count : sites) profiles.push_back({rate, count, 1});
  }
  return profiles;
}

ProfileAnswer answer_for(const Quantities& run, const Profile& profile) {
  ProfileAnswer answer{.rate = profile.rate, .sites = profile.sites, .threads = profile.threads};
  const auto send = sends_near(run, profile.sites);
  if (!send) return answer;
  const auto patch = patches_near(run, profile.sites);
  answer.sends = send->params;
  if (patch) answer.patches = patch->params;
  std::vector<Candidate> all;
  if (profile.threads > 1 && has_shared_patches(run)) {
    all = beside_threads(run, *send, profile, answer.unmeasured);
  } else {
    all = alone(run, *send, patch, profile.rate);
    std::erase_if(all, [&](const Candidate& one) {
      const auto* status = run.status(one.id);
      const bool barred =
          profile.threads > 1 && status != nullptr && status->toggles_protection.value_or(false);
      if (barred) answer.barred.push_back(one.id);
      return barred;
    });
  }
  if (all.empty()) return answer;
  for (const Candidate& one : all) {
    answer.costs.push_back(cost_against(one, all.front(), delta_of(run.results())));
    const Verdict verdict = answer.costs.back().verdict;
    if (verdict == Verdict::same || verdict == Verdict::faster) answer.best.push_back(one.id);
    if (verdict == Verdict::inconclusive) answer.open.push_back(one.id);
  }
  return answer;
}

std::vector<results::BreakEvenAnswer> break_even_answers(const Quantities& run) {
  std::vector<results::BreakEvenAnswer> answers;
  std::vector<std::int64_t> sites;
  for (const Profile& profile : usual_profiles(run)) add_once(sites, profile.sites);
  for (const std::int64_t count : sites) {
    const auto send = sends_near(run, count);
    const auto patch = patches_near(run, count);
    if (!send || !patch) continue;
    for (const std::string& id : run.strategies()) {
      if (id == run.results().baseline || !is_candidate(run, id)) continue;
      if (find_cost(run, *patch, id) == nullptr || find_cost(run, *send, id) == nullptr) continue;
      answers.push_back(break_even_answer(run, *patch, *send, id));
    }
  }
  return answers;
}

void prefer_measured(const Quantities& run, const std::vector<results::RatePair>& pairs,
                     std::vector<results::BreakEvenAnswer>& answers) {
  for (const results::RatePair& pair : pairs) {
    if (pair.other != run.results().baseline) continue;
    const results::BreakEvenAnswer measured = measured_break_even(pair);
    results::BreakEvenAnswer* modelled = nearest_modelled(answers, measured);
    if (modelled == nullptr) {
      answers.push_back(measured);
    } else if (measured.cheaper != Cheaper::inconclusive) {
      *modelled = measured;
    }
  }
}

results::Answer answer_of(const Quantities& run, std::span<const Profile> profiles) {
  results::Answer answer;
  answer.refused = refused(run);
  if (!times_mean_something(run.results().context)) {
    answer.recommendation.emplace_back("None: an emulator's times mean nothing.");
    return answer;
  }
  const std::vector<Profile> usual = usual_profiles(run);
  for (const Profile& one : profiles.empty() ? std::span(usual) : profiles) {
    answer.profiles.push_back(answer_for(run, one));
  }
  recommend(run, answer);
  name_undecided(run, answer);
  if (answer.strategies.empty()) {
    answer.recommendation.insert(
        answer.recommendation.begin(),
        "None: this run has no sends of workload mic to tell strategies apart by.");
  }
  answer.break_even = break_even_answers(run);
  answer.rate_pairs = rate_pairs(run);
  answer.rate_models = rate_models(run);
  prefer_measured(run, answer.rate_pairs, answer.break_even);
  answer.trust = trust(run);
  return answer;
}

results::Answer answer_in(const Quantities& run) {
  const auto& recorded = run.results().answer;
  return recorded ? *recorded : answer_of(run);
}

}  // namespace patchbench::analysis
