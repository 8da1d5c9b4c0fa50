#include "harness/policies/wishes.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/utsname.h>

#include "harness/machine/machine.hpp"
#include "harness/policies/proofs.hpp"
#include "harness/process/denial.hpp"
#include "harness/process/forked.hpp"

namespace patchbench::harness {
namespace {

using Json = nlohmann::ordered_json;

/// A wish, and what is said of it where the proof holds.
struct Wish {
  std::string_view id;
  std::string_view wish;
  std::string_view answer;
  std::string_view since;
  Granted granted;  // where the proof holds
  Proof (*prove)();
};

using enum Granted;

constexpr std::array kWishes = {
    Wish{"a", "a sysctl that marks shared memory segments for removal by default",
         "kernel.shm_rmid_forced, one for each IPC namespace", "3.1", yes,
         &segment_dies_with_its_owner},
    Wish{"b", "a flag of shmget that does so",
         "no flag; shmget, shmat, IPC_RMID, and shmat(SHM_EXEC) still works after that", "2.6",
         instead, &removed_segment_is_attached_again},
    Wish{"c", "open() that unlinks", "O_TMPFILE, memfd_create, MFD_EXEC", "3.11, 3.17, 6.3", yes,
         &files_without_a_name},
    Wish{"d", "mremap that keeps the old mapping", "MREMAP_DONTUNMAP", "5.7", yes,
         &mremap_keeps_the_old_mapping},
    Wish{"e", "a read-write alias of a read-execute mapping",
         "no flag; mremap(p, 0, size) of shared memory, and mprotect of the alias", "2.4", instead,
         &writable_alias_of_code},
    Wish{"f", "a read-execute alias of a read-write mapping", "the same, the other way round",
         "2.4", instead, &executable_alias_of_data},
    Wish{"g", "an upper limit for the address that mmap chooses",
         "no argument; PROCMAP_QUERY finds a gap, MAP_FIXED_NOREPLACE takes it", "6.11, 4.17",
         instead, &mapping_within_reach},
    Wish{"h", "the same for mremap", "a reservation as for g, and MREMAP_FIXED onto it",
         "6.11, 4.17", instead, &moved_within_reach},
    Wish{"i", "a protection for remap_file_pages",
         "none: it takes no protection, and is emulated by one mapping a page", "4.0", no,
         &remap_file_pages_takes_no_protection},
    Wish{"j", "holes of zeros that leave one mapping",
         "MADV_DONTNEED (private), MADV_REMOVE (shared), MADV_GUARD_INSTALL (faults)",
         "2.4, 2.6.16, 6.13", yes, &holes_in_one_vma},
    Wish{"selinux", "under SELinux only files and segments that are mapped twice are left",
         "a memfd mapped twice needs no execmem, only leave to execute files on tmpfs", "3.17", yes,
         &selinux_allows_two_views},
    Wish{"leaks", "both leave objects behind when the program dies early",
         "a memfd has no name, and a segment that is marked goes with its owner", "3.17", yes,
         &nothing_outlives_a_killed_owner},
    Wish{"addresses", "code in the low 2 GB, and the writable view at a fixed distance",
         "MAP_FIXED_NOREPLACE at both addresses", "4.17", yes, &two_views_at_chosen_addresses},
    Wish{"vmas", "one mapping a page is slow",
         "still so; MADV_GUARD_INSTALL alone changes pages within one mapping", "6.13", no,
         &protections_cost_vmas},
};

constexpr std::array kLater = {
    Wish{"mseal", "views that nobody can unmap or change the protection of",
         "mseal(2): both views of a memfd are sealed, patching goes on, munmap fails", "6.10", yes,
         &sealed_views_are_patched},
    Wish{"ipe", "Integrity Policy Enforcement, which may refuse to execute what has no signature",
         "securityfs has it", "6.12", yes, &ipe_is_there},
};

std::string said(const Proof& proof) {
  Json json = {{"holds", proof.holds}, {"seen", proof.seen}, {"timed", proof.timed}};
  json["cost_ns"] = proof.cost_ns ? Json(*proof.cost_ns) : Json(nullptr);
  return json.dump();
}

/// What the kernel refuses in the child is what there is to say.
std::string try_to_prove(Proof (*prove)()) {
  try {
    return said(prove());
  } catch (const std::system_error& error) {
    return said({.holds = false, .seen = error.what(), .timed = {}, .cost_ns = {}});
  }
}

WishAnswer answer_of(const Wish& wish) {
  WishAnswer answer{.id = std::string(wish.id),
                    .wish = std::string(wish.wish),
                    .granted = not_here,
                    .answer = std::string(wish.answer),
                    .since = std::string(wish.since),
                    .seen = {},
                    .timed = {},
                    .cost_ns = {}};
  const Forked child = run_forked([&] { return try_to_prove(wish.prove); });
  if (!child.returned()) {
    answer.seen = fmt::format("trying it ends with {}", child.ending);
    return answer;
  }
  const Json json = Json::parse(child.text);
  answer.seen = json.at("seen").get<std::string>();
  if (!json.at("holds").get<bool>()) return answer;
  answer.granted = wish.granted;
  answer.timed = json.at("timed").get<std::string>();
  if (!json.at("cost_ns").is_null()) answer.cost_ns = json.at("cost_ns").get<double>();
  return answer;
}

std::vector<WishAnswer> answers_of(std::span<const Wish> wishes) {
  std::vector<WishAnswer> answers(wishes.size());
  std::ranges::transform(wishes, answers.begin(), &answer_of);
  return answers;
}

std::string cost_text(double ns) {
  constexpr double kMicrosecond = 1000;
  constexpr double kMillisecond = 1'000'000;
  if (ns < kMicrosecond) return fmt::format("{:.0f} ns", ns);
  if (ns < kMillisecond) return fmt::format("{:.1f} us", ns / kMicrosecond);
  return fmt::format("{:.1f} ms", ns / kMillisecond);
}

}  // namespace

std::vector<WishAnswer> answer_wishes() { return answers_of(kWishes); }

std::vector<WishAnswer> answer_later_questions() { return answers_of(kLater); }

std::string_view to_string(Granted granted) {
  switch (granted) {
    case yes:
      return "yes";
    case instead:
      return "instead";
    case no:
      return "no";
    case not_here:
      return "not here";
  }
  return "";
}

std::string wishes_text(const std::vector<WishAnswer>& answers) {
  std::string text;
  for (const WishAnswer& one : answers) {
    text += fmt::format("{:<9}  {}\n", one.id, one.wish);
    text += fmt::format("  {:<8} {} (Linux {})\n", to_string(one.granted), one.answer, one.since);
    if (!one.seen.empty()) text += fmt::format("           seen: {}\n", one.seen);
    if (one.cost_ns) {
      text += fmt::format("           cost: {}, {}\n", cost_text(*one.cost_ns), one.timed);
    }
  }
  return text;
}

std::string wishes_json(const std::vector<WishAnswer>& answers) {
  Json list = Json::array();
  for (const WishAnswer& one : answers) {
    list.push_back({{"id", one.id},
                    {"wish", one.wish},
                    {"granted", to_string(one.granted)},
                    {"answer", one.answer},
                    {"since", one.since},
                    {"seen", one.seen},
                    {"cost_ns", one.cost_ns ? Json(*one.cost_ns) : Json(nullptr)},
                    {"cost_of", one.timed.empty() ? Json(nullptr) : Json(one.timed)}});
  }
  utsname kernel{};
  uname(&kernel);
  const Json document = {
      {"arch", machine_name()}, {"kernel", kernel.release}, {"wishes", std::move(list)}};
  return document.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace patchbench::harness
