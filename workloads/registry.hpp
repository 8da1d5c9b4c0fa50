// workloads/registry.hpp - the one list of workloads, in presentation order.
//
// Adding one: a file that declares it, and a line here. Its cases with every strategy follow
// (registry.cpp).
#pragma once

#include <tuple>

#include "workloads/bulk.hpp"
#include "workloads/far_call.hpp"
#include "workloads/install.hpp"
#include "workloads/layout.hpp"
#include "workloads/life.hpp"
#include "workloads/link.hpp"
#include "workloads/mic.hpp"
#include "workloads/mixed.hpp"
#include "workloads/open_pic.hpp"
#include "workloads/pic.hpp"
#include "workloads/publish.hpp"
#include "workloads/relink.hpp"
#include "workloads/relink_rate.hpp"
#include "workloads/threads.hpp"
#include "workloads/trace.hpp"
#include "workloads/vma.hpp"
#include "workloads/zone.hpp"

namespace patchbench {

using WorkloadList =
    std::tuple<Mic, Pic, OpenPic, Mixed, TraceReplay, Link, Life, Relink, RelinkRate, Bulk, Threads,
               FarCall, Publish, Install, ZoneLife, Vma, Layout>;

}  // namespace patchbench
