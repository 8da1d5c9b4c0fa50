#include "harness/counters/event_group.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <system_error>

#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/counters/perf_event.hpp"
#include "harness/counters/user_read.hpp"

namespace patchbench::harness {
namespace {

// What read(2) answers with PERF_FORMAT_GROUP: how many, time enabled, time running, counts;
// without it the one count, and the two times.
constexpr std::size_t kWordsBefore = 3;

const perf_event_mmap_page& page_of(const Mapping& mapping) {
  return *static_cast<const perf_event_mmap_page*>(mapping.address());
}

/// The counter holds the lower `width` bits of what has to be added, with its sign.
std::int64_t sign_extended(std::uint64_t raw, unsigned width) {
  const unsigned unused = 64 - width;
  return static_cast<std::int64_t>(raw << unused) >> unused;
}

/// perf_event_open(2), "cap_user_rdpmc": the kernel changes the lock's value before and after it
/// changes what stands beside it, which it does on this processor, so the compiler alone has to
/// keep the order. An event that is not on a counter has no index; its offset is its count.
std::uint64_t read_through(const perf_event_mmap_page& page) {
  for (;;) {
    const std::uint32_t sequence = __atomic_load_n(&page.lock, __ATOMIC_RELAXED);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    const std::uint32_t index = __atomic_load_n(&page.index, __ATOMIC_RELAXED);
    auto count = static_cast<std::uint64_t>(__atomic_load_n(&page.offset, __ATOMIC_RELAXED));
    if (index != 0) {
      count +=
          static_cast<std::uint64_t>(sign_extended(read_user_counter(index - 1), page.pmc_width));
    }
    std::atomic_signal_fence(std::memory_order_seq_cst);
    if (__atomic_load_n(&page.lock, __ATOMIC_RELAXED) == sequence) return count;
  }
}

}  // namespace

EventGroup::EventGroup(std::span<const Event> events, ReadPath path)
    : apart_(!events.front().beside.empty()), answer_(kWordsBefore + (apart_ ? 0 : events.size())) {
  const UserReadRequest request =
      path == ReadPath::fastest ? user_read_request() : UserReadRequest{};
  std::uint64_t format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
  format |= apart_ ? 0 : PERF_FORMAT_GROUP;
  for (const Event& event : events) {
    const bool leads = apart_ || fds_.empty();
    fds_.push_back(
        open_event(event, {.leader = leads ? -1 : fds_.front().get(),
                           .read_format = format,
                           .further_config1 = event.source == "hardware" ? request.config1 : 0}));
  }
  for (std::size_t i = 0; i < (apart_ ? fds_.size() : 1); ++i) {
    if (ioctl(fds_[i].get(), PERF_EVENT_IOC_ENABLE, 0) != 0) {
      throw_errno("ioctl (PERF_EVENT_IOC_ENABLE)");
    }
  }
  if (request.allowed && !apart_) map_pages();
}

void EventGroup::map_pages() {
  const auto page_size = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  try {
    for (const Fd& fd : fds_) pages_.push_back(Mapping::shared_view(fd, page_size, PROT_READ, 0));
  } catch (const std::system_error&) {
    pages_.clear();  // read(2) is as right, and slower
  }
  if (!std::ranges::all_of(pages_,
                           [](const Mapping& page) { return page_of(page).cap_user_rdpmc != 0; })) {
    pages_.clear();
  }
}

void EventGroup::ask_kernel(std::size_t event) const {
  // Without PERF_FORMAT_GROUP the count stands where their number does with it.
  const std::size_t size = answer_.size() * sizeof(std::uint64_t);
  const ssize_t got = ::read(fds_[event].get(), answer_.data(), size);
  if (got != static_cast<ssize_t>(size)) throw_errno("read (perf events)", got < 0 ? errno : EIO);
}

void EventGroup::read(std::span<std::uint64_t> counts) const {
  if (!pages_.empty()) {
    std::ranges::transform(pages_, counts.begin(),
                           [](const Mapping& page) { return read_through(page_of(page)); });
  } else if (apart_) {
    for (std::size_t i = 0; i < fds_.size(); ++i) {
      ask_kernel(i);
      counts[i] = answer_.front();
    }
  } else {
    ask_kernel(0);
    std::copy(answer_.begin() + kWordsBefore, answer_.end(), counts.begin());
  }
}

GroupTimes EventGroup::times() const {
  ask_kernel(0);
  return {.enabled_ns = answer_[1], .running_ns = answer_[2]};
}

std::string_view EventGroup::path() const {
  return pages_.empty() ? "read" : user_read_instruction();
}

}  // namespace patchbench::harness
