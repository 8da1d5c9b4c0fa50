#include "workloads/bulk.hpp"

#include <charconv>

namespace patchbench {

BulkRequest bulk_request(const CellRequest& request) {
  const std::string& per_scope = word_parameter(request, "per_scope");
  return {.per_scope = per_scope == "all" ? 0 : count_parameter(request, "per_scope"),
          .publish_each = word_parameter(request, "publish_per") == "patch"};
}

WorkloadInfo Bulk::info() {
  return {.id = std::string{kId},
          .summary =
              "changes of everything: all sites unlinked and linked again, and a compaction "
              "that moves every method",
          .parameters = {patched_sites_parameter({"1024"}, {"1024"}),
                         {.name = "per_scope",
                          .summary = "patches under one scope",
                          .default_value = "all",
                          .standard_grid = {"1", "16", "256", "all"},
                          .quick_grid = {"all"},
                          .choices = {"1", "16", "256", "all"}},
                         publish_per_parameter("scope"),
                         work_parameter(),
                         publish_parameter()},
          .metrics = {"unlink_all", "link_all", "compact"},
          .headline = std::vector<Headline>{},
          .small_grid = {{"sites", "1024"}, {"per_scope", "all"}}};
}

}  // namespace patchbench
