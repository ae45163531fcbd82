# Makes tests/golden/max_t.json: simultaneous intervals and adjusted p-values by multcomp, and critical values by mvtnorm.
#
#   Rscript tests/golden/r/max_t.R > tests/golden/max_t.json
#
# Needs multcomp (1.4-22), mvtnorm (1.1-3), jsonlite. Families are small, so that Genz-Bretz integration reaches an
# absolute error of 1e-5 in seconds. multcomp hands its default accuracy (1e-3) to mvtnorm whatever it is told in
# `adjusted`; its adjusted p-values are therefore integrated here, by the same pmvt that it calls, on multcomp's statistics.
suppressMessages({library(multcomp); library(mvtnorm); library(jsonlite)})
precise <- GenzBretz(maxpts = 1e6, abseps = 1e-5, releps = 0)
cases <- list()
put <- function(...) cases[[length(cases) + 1]] <<- list(...)
# P(max |T| <= t) with the critical value found by uniroot on it; the seed is set so that the function is smooth
inside <- function(t, correlation, df) {
  set.seed(1)
  n <- nrow(correlation)
  as.numeric(pmvt(rep(-t, n), rep(t, n), df = df, corr = correlation, algorithm = precise))
}
critical <- function(correlation, df, level)
  uniroot(function(t) inside(t, correlation, df) - level, c(1, 20), tol = 1e-7)$root
family <- function(name, test, level = .95) {
  covariance <- unname(as.matrix(vcov(test)))
  value <- unname(coef(test))
  t <- abs(value) / sqrt(diag(covariance))
  q <- critical(cov2cor(covariance), test$df, level)
  put(name = name, source = "multcomp", value = value, covariance = covariance,
      df = if (test$df == 0) 1e300 else test$df, level = level, critical = q,
      p_adjusted = vapply(t, function(one) 1 - inside(one, cov2cor(covariance), test$df), 0),
      p_holm = unname(as.vector(summary(test, test = adjusted("holm"))$test$pvalues)),
      multcomp_critical = {set.seed(1); unname(attr(confint(test, level = level)$confint, "calpha"))},
      multcomp_p = {set.seed(1); unname(as.vector(summary(test)$test$pvalues))})
}
data(warpbreaks); data(recovery, package = "multcomp"); data(mtcars)
family("warpbreaks, all pairs", glht(aov(breaks ~ tension, warpbreaks), mcp(tension = "Tukey")))
family("recovery, each blanket against the first", glht(aov(minutes ~ blanket, recovery), mcp(blanket = "Dunnett")))
mtcars$gears <- factor(mtcars$gear)
family("mtcars, all pairs of gears", glht(aov(mpg ~ gears, mtcars), mcp(gears = "Tukey")))
family("mtcars, coefficients of a regression", glht(lm(mpg ~ wt + hp + qsec, mtcars)), level = .9)
family("known variances", glht(glm(am ~ wt, binomial, mtcars)))
known <- function(name, correlation, df, level = .95)
  put(name = name, source = "mvtnorm", covariance = unname(correlation), df = if (df == 0) 1e300 else df,
      level = level, critical = critical(correlation, df, level))
equal <- function(n, rho) { m <- matrix(rho, n, n); diag(m) <- 1; m }
known("independent, 3", diag(3), 10)
known("independent, 6, 4 df", diag(6), 4)
known("equal correlation 0.5, 5", equal(5, .5), 6)
known("equal correlation 0.9, 4", equal(4, .9), 20)
known("falling correlation, 5", outer(1:5, 1:5, function(i, j) .8^abs(i - j)), 12)
known("normal, equal correlation 0.3, 6", equal(6, .3), 0)
known("level 0.9, 4", equal(4, .2), 8, .9)
versions <- list(R = R.version.string, multcomp = as.character(packageVersion("multcomp")),
                 mvtnorm = as.character(packageVersion("mvtnorm")))
cat(toJSON(list(versions = versions, cases = cases), auto_unbox = TRUE, digits = NA), "\n", sep = "")
