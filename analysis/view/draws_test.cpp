#include "analysis/view/draws_test.hpp"

#include <filesystem>

#include <patchbench_catch.hpp>

#include "analysis/render/gnuplot.hpp"
#include "results/file.hpp"
#include "results/matchers_test.hpp"

namespace patchbench::analysis {

bool draws(const Figure& figure, const results::ScratchDirectory& scratch) {
  results::write_text_atomically(scratch.path() / (figure.name + ".gp"), figure.script);
  // Warnings of a gnuplot that succeeds are failures here.
  const auto strict = scratch.file("strict", R"(#!/bin/sh
said=$(gnuplot "$@" 2>&1)
code=$?
[ $code = 127 ] && exit 127
printf '%s' "$said"
[ $code = 0 ] && [ -z "$said" ]
)");
  std::filesystem::permissions(strict, std::filesystem::perms::owner_all);
  const auto failure = run_gnuplot(scratch.path(), figure.name + ".gp", strict.string());
  if (failure && failure->kind == GnuplotError::missing) return false;
  INFO(figure.name << ": " << (failure ? failure->message : ""));
  CHECK_FALSE(failure);
  const std::string svg = results::read_text(scratch.path() / (figure.name + ".svg"));
  CHECK_THAT(svg, results::contains("</svg>") && !results::contains("<script>"));
  CHECK_THAT(results::read_text(scratch.path() / (figure.name + ".pdf")),
             results::starts_with("%PDF"));
  return !failure;
}

}  // namespace patchbench::analysis
