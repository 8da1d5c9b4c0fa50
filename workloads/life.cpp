#include "workloads/life.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace patchbench {
namespace {

constexpr std::string_view kOpenPicParameter = "open_pic";
constexpr std::string_view kLazyParameter = "lazy";
constexpr std::uint32_t kSitesOfSharedSelector = 16;

std::string_view word_of(const ParamText& params, std::string_view name) {
  const auto found = std::ranges::find(params, name, &ParamText::value_type::first);
  return found == params.end() ? std::string_view{} : std::string_view{found->second};
}

Parameter open_pic_parameter() {
  return {.name = std::string{kOpenPicParameter},
          .summary =
              "generated when a site's PIC is full, for a selector of its own or for one "
              "that 16 sites share; or installed from the beginning",
          .default_value = "installed",
          .standard_grid = {"own", "shared", "installed"},
          .quick_grid = {"own", "installed"},
          .choices = {"own", "shared", "installed"}};
}

Parameter lazy_parameter() {
  return {.name = std::string{kLazyParameter},
          .summary = "on: a method is emitted by AsmJit inside the miss that looks it up first",
          .default_value = "off",
          .standard_grid = {"off", "on"},
          .quick_grid = {"off"},
          .choices = {"off", "on"}};
}

}  // namespace

std::string_view why_no_new_code(const ParamText& params) {
  const bool none_is_emitted =
      word_of(params, kOpenPicParameter) == "installed" && word_of(params, kLazyParameter) == "off";
  return none_is_emitted ? std::string_view{}
                         : "its code is never written again, and emitting code on demand writes it";
}

SitesOfLife describe_sites_of_life(const CellRequest& request) {
  const std::uint32_t sites = count_parameter(request, "sites");
  const std::string& open_pic = word_parameter(request, kOpenPicParameter);
  const std::uint32_t sharing = open_pic == "shared" ? kSitesOfSharedSelector : 1;
  SeededRandom random{request.seed};

  SitesOfLife result;
  send::SendPlan& plan = result.plan;
  plan.arena = map_arena(request.arena, request.zone);
  plan.site_shift = send::draw_site_shift(request.seed);
  plan.work = count_parameter(request, "work");
  plan.publish = prepared_publish_mode(request);
  plan.heap_classes = kClassesOfLife + 1;
  plan.selectors = (sites + sharing - 1) / sharing;
  // Twice what is sent at most, so that few misses are the cache's own.
  plan.cache_entries = std::bit_ceil(plan.selectors * plan.heap_classes * 2);
  plan.closed_pics = true;
  plan.on_miss = send::MissPolicy::grow;
  plan.open_pics = open_pic == "installed" ? send::Emission::installed : send::Emission::on_demand;
  plan.methods = word_parameter(request, kLazyParameter) == "on" ? send::Emission::on_demand
                                                                 : send::Emission::installed;
  plan.sites.resize(sites);
  send::give_each_site_its_receiver(plan.sites);
  for (std::uint32_t i = 0; i < sites; ++i) {
    plan.selector_of_site.push_back(i / sharing);
    result.classes.push_back(send::some_classes(kClassesOfLife, plan.heap_classes, random));
  }
  result.seed = random.below(UINT64_MAX);
  return result;
}

WorkloadInfo Life::info() {
  WorkloadInfo info{
      .id = std::string{kId},
      .summary =
          "the whole life of a send site, by real misses: unlinked to MIC, to a closed PIC, "
          "each case more, to an open PIC",
      .parameters = {patched_sites_parameter({"128", "1024"}, {"128"}), open_pic_parameter(),
                     lazy_parameter(), work_parameter(), publish_parameter()},
      .metrics = {kStepsOfLife.begin(), kStepsOfLife.end()},
      .headline = std::vector<Headline>{},
      .small_grid = {{"sites", "128"}, {"open_pic", "own"}, {"lazy", "off"}}};
  return info;
}

}  // namespace patchbench
