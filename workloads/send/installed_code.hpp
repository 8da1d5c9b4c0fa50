// workloads/send/installed_code.hpp - the code that a send machine installs before anything runs.
//
// Everything is emitted before the zone is opened for writing: emitting allocates.
#pragma once

#include <cstdint>
#include <vector>

#include "workloads/send/code_map.hpp"
#include "workloads/send/codegen.hpp"
#include "workloads/send/method_cache.hpp"
#include "workloads/send/object_model.hpp"
#include "workloads/send/send_plan.hpp"

namespace patchbench::send {

/// All sites unlinked. `cells` is the first place of cells, as data.
template <Architecture A>
[[nodiscard]] Installed emit_driver(const SendPlan& plan, const MethodTable& table,
                                    const CodeMap<A>& code, Dispatch dispatch, ExecAddress cells) {
  std::vector<Selector> selectors;
  for (const std::uint32_t selector : plan.selector_of_site) {
    selectors.push_back(table.selector(selector));
  }
  return {code.driver(), A::emit_driver({.dispatch = dispatch,
                                         .order = plan.order,
                                         .at = code.driver(),
                                         .site_shift = plan.site_shift,
                                         .cells = cells,
                                         .stubs = code.stub(0),
                                         .first_site = plan.first_site,
                                         .sites = plan.sites,
                                         .selectors = selectors,
                                         .miss_trampoline = code.miss_trampoline()})};
}

/// Nothing where sites do not call stubs.
template <Architecture A>
void emit_stubs(std::vector<Installed>& pieces, const SendPlan& plan, const CodeMap<A>& code,
                Dispatch dispatch, ExecAddress cells) {
  if (calls_stub(dispatch)) {
    pieces.push_back({code.stub(0), A::emit_stubs({.dispatch = dispatch,
                                                   .at = code.stub(0),
                                                   .cells = cells,
                                                   .sites = plan.sites.size()})});
  }
}

template <Architecture A>
[[nodiscard]] Installed emit_trampoline(ExecAddress at, MissFunction function, void* machine) {
  return {at, A::emit_trampoline({.at = at, .function = function, .machine = machine})};
}

template <Architecture A>
[[nodiscard]] Installed emit_method(const SendPlan& plan, const MethodTable& table,
                                    const CodeMap<A>& code, std::uint32_t method) {
  const ExecAddress at = code.checked_entry(method);
  return {at, A::emit_method({.at = at,
                              .miss_trampoline = code.miss_trampoline(),
                              .method = method,
                              .work = plan.work,
                              .immediate_receiver = table.class_of_method(method) == 0})};
}

template <Architecture A>
void emit_methods(std::vector<Installed>& pieces, const SendPlan& plan, const MethodTable& table,
                  const CodeMap<A>& code) {
  for (std::uint32_t method = 0; method < table.methods(); ++method) {
    pieces.push_back(emit_method(plan, table, code, method));
  }
}

/// Nothing where the plan has none.
template <Architecture A>
void emit_tag_stubs(std::vector<Installed>& pieces, const SendPlan& plan, const MethodTable& table,
                    const CodeMap<A>& code) {
  if (!plan.tag_stubs) return;
  for (std::uint32_t method = 0; method < table.methods(); ++method) {
    const ExecAddress at = code.tag_stub(method);
    pieces.push_back(
        {at, A::emit_tag_stub({.at = at,
                               .tag = table.tag_of_class(table.class_of_method(method)),
                               .checked_entry = code.checked_entry(method)})});
  }
}

template <Architecture A>
[[nodiscard]] Installed emit_open_pic(const SendPlan& plan, const MethodTable& table,
                                      const CodeMap<A>& code, const MethodCache& cache,
                                      std::uint32_t selector) {
  const ExecAddress at = code.open_pic(selector);
  return {at, A::emit_open_pic({.at = at,
                                .selector = plan.generic_lookup ? 0 : table.selector(selector),
                                .method_cache = ExecAddress{cache.base()},
                                .mask = cache.mask(),
                                .open_miss_trampoline = code.open_miss_trampoline()})};
}

template <Architecture A>
void emit_open_pics(std::vector<Installed>& pieces, const SendPlan& plan, const MethodTable& table,
                    const CodeMap<A>& code, const MethodCache& cache) {
  const std::uint32_t different = plan.generic_lookup ? 1 : plan.selectors;
  for (std::uint32_t selector = 0; selector < different; ++selector) {
    pieces.push_back(emit_open_pic(plan, table, code, cache, selector));
  }
}

template <Architecture A>
void emit_walks(std::vector<Installed>& pieces, const SendPlan& plan, const CodeMap<A>& code) {
  for (std::size_t number = 0; number < plan.walks.size(); ++number) {
    std::vector<ExecAddress> calls;
    for (const std::uint32_t index : plan.walks[number].sites) {
      calls.push_back(code.sites() + A::site_offset(index));
    }
    const ExecAddress at = code.walk(number);
    pieces.push_back({at, A::emit_walk({.at = at,
                                        .called = Called::sites,
                                        .calls = calls,
                                        .stretch = plan.walks[number].stretch})});
  }
}

}  // namespace patchbench::send
