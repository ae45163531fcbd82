# Makes tests/golden/fieller.json: Fieller sets found without Fieller's formula.
#
#   Rscript tests/golden/r/fieller.R > tests/golden/fieller.json
#
# Needs jsonlite. A ratio rho belongs to the set when the t test of n - rho d = 0 does not reject it. The boundary is
# found by searching that test's statistic over rho = tan(angle), a grid of 200,000 angles, and refining every change of
# sign with uniroot: no quadratic formula is used. One case is the wheat example of the LD50 kind with known answer.
suppressMessages(library(jsonlite))
inside <- function(case) function(angle) {  # negative inside the set; homogeneous, so that infinity is one more angle
  s <- sin(angle); c <- cos(angle); t <- qt((1 + case$level) / 2, case$df)
  (case$n * c - s * case$d)^2 - t^2 * (case$vn * c^2 - 2 * s * c * case$cov + s^2 * case$vd)
}
solve_case <- function(case) {
  f <- inside(case)
  grid <- seq(-pi / 2, pi / 2, length.out = 200001)
  value <- f(grid)
  at <- which(value[-1] * value[-length(value)] < 0)
  ends <- vapply(at, function(k) tan(uniroot(f, grid[c(k, k + 1)], tol = 1e-15)$root), 0)
  infinite <- f(pi / 2) < 0  # is a ratio of infinite size allowed?
  kind <- if (length(ends) == 0) (if (infinite) "whole line" else "empty") else if (infinite) "outside" else "bounded"
  c(case, list(kind = kind, ends = as.list(sort(ends))))
}
case <- function(name, n, d, vn, vd, cov, df, level = .95)
  list(name = name, n = n, d = d, vn = vn, vd = vd, cov = cov, df = if (is.finite(df)) df else 1e300, level = level)
cases <- list(
  case("precise denominator", .12, .30, .0009, .0004, .0001, 20),
  case("negative correlation", .12, .30, .0009, .0004, -.0005, 8),
  case("wide but bounded", .10, .20, .0016, .0060, .002, 30),
  case("negative ratio", -.08, .25, .0010, .0012, .0004, 12),
  case("negative denominator", .08, -.25, .0010, .0012, .0004, 12),
  case("denominator unclear, numerator clear", .30, .04, .0009, .0016, .0002, 15),
  case("denominator unclear, outside of zero", .10, .03, .0004, .0010, -.0003, 6),
  case("nothing clear", .02, .03, .0009, .0016, .0002, 15),
  case("nothing clear, related", .02, -.01, .0009, .0016, .0011, 4),
  case("known variances", .12, .30, .0009, .0004, .0001, Inf),
  case("two degrees of freedom", .12, .60, .0009, .0004, .0001, 2),
  case("level 0.8", .12, .30, .0009, .0040, .0001, 20, .8),
  case("numerator zero", 0, .30, .0009, .0004, .0001, 20),
  case("ratio one by construction", .3, .3, .001, .001, .0009, 10),
  case("exact numerator", .12, .30, 0, .0016, 0, 20),
  case("small scale", 1.2e-6, 3e-6, 9e-14, 4e-14, 1e-14, 20))
versions <- list(R = R.version.string)
cat(toJSON(list(versions = versions, cases = lapply(cases, solve_case)), auto_unbox = TRUE, digits = NA), "\n", sep = "")
