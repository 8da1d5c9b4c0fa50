#include "analysis/render/latex.hpp"

namespace patchbench::analysis {

std::string latex_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '\\':
        out += "\\textbackslash{}";
        break;
      case '~':
        out += "\\textasciitilde{}";
        break;
      case '^':
        out += "\\textasciicircum{}";
        break;
      case '#':
      case '$':
      case '%':
      case '&':
      case '_':
      case '{':
      case '}':
        out += '\\';
        out += c;
        break;
      case '\n':
        out += ' ';
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string_view latex_package() {
  return R"(% patchbench.sty: numbers of a run, looked up and never typed. Written by bench-report --format=latex.
\NeedsTeXFormat{LaTeX2e}
\ProvidesPackage{patchbench}[2026/11/30 numbers of a patchbench run]
\newcommand\pbmicro{\ensuremath{\mu}}
% What numbers.tex consists of.
\newcommand\pbset[4]{\expandafter\gdef\csname pb!#1!#2!#3\endcsname{#4}}
\newcommand\pblack[2]{\expandafter\gdef\csname pb?#1\endcsname{#2}}
\newcommand\pb@lacks[3]{%
  \ifcsname pb?#1\endcsname
    \PackageError{patchbench}{#1 has no #2: \csname pb?#1\endcsname}{The run has the case, not its value.}%
  \else
    \PackageError{patchbench}{There is no #3 of #2 of #1}{%
      numbers.tex has every key: the case with the parameters that tell it from the others.}%
  \fi}
% \pb{CASE}{METRIC}{WHAT}
\DeclareRobustCommand\pb[3]{%
  \ifcsname pb!#1!#2!#3\endcsname\csname pb!#1!#2!#3\endcsname\else\pb@lacks{#1}{#2}{#3}\fi}
% \pbassert{CASE}{METRIC}{VERDICT}: faster, slower, same, inconclusive, as the run says of its ratio.
\DeclareRobustCommand\pbassert[3]{%
  \ifcsname pb!#1!#2!verdict\endcsname
    \begingroup
    \def\pb@stated{#3}%
    \expandafter\ifx\csname pb!#1!#2!verdict\endcsname\pb@stated\else
      \PackageError{patchbench}{The text says that #1 is #3 (#2), the run
        that it is \csname pb!#1!#2!verdict\endcsname}{A sentence before this does not hold in this run.}%
    \fi
    \endgroup
  \else\pb@lacks{#1}{#2}{verdict}\fi}
\endinput
)";
}

}  // namespace patchbench::analysis
