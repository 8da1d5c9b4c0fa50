// harness/policies/proofs.hpp - the wishes of wishes.hpp, done. Each function changes its process
// and is called in one that ends.
#pragma once

#include <optional>
#include <string>

namespace patchbench::harness {

struct Proof {
  bool holds = false;
  std::string seen;
  std::string timed;
  std::optional<double> cost_ns;  // the median of repetitions
};

// All throw std::system_error, naming the call, where the kernel refuses.

[[nodiscard]] Proof segment_dies_with_its_owner();        // shm_rmid_forced
[[nodiscard]] Proof removed_segment_is_attached_again();  // the idiom without a flag
[[nodiscard]] Proof files_without_a_name();               // O_TMPFILE, memfd_create
[[nodiscard]] Proof mremap_keeps_the_old_mapping();       // MREMAP_DONTUNMAP
[[nodiscard]] Proof writable_alias_of_code();             // mremap(p, 0), mprotect
[[nodiscard]] Proof executable_alias_of_data();
[[nodiscard]] Proof mapping_within_reach();  // PROCMAP_QUERY, MAP_FIXED_NOREPLACE
[[nodiscard]] Proof moved_within_reach();    // and MREMAP_FIXED
[[nodiscard]] Proof remap_file_pages_takes_no_protection();
[[nodiscard]] Proof holes_in_one_vma();  // MADV_DONTNEED, _REMOVE, _GUARD_INSTALL
[[nodiscard]] Proof selinux_allows_two_views();
[[nodiscard]] Proof nothing_outlives_a_killed_owner();
[[nodiscard]] Proof two_views_at_chosen_addresses();
[[nodiscard]] Proof protections_cost_vmas();
[[nodiscard]] Proof sealed_views_are_patched();  // mseal
[[nodiscard]] Proof ipe_is_there();

}  // namespace patchbench::harness
