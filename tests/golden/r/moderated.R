# Makes tests/golden/moderated.json: limma's estimate of the variance prior and its squeezed variances.
#
#   Rscript tests/golden/r/moderated.R > tests/golden/moderated.json
#
# Needs limma (3.54.1), jsonlite.
suppressMessages({library(limma); library(jsonlite)})
cases <- list()
put <- function(name, s2, df) {
  prior <- fitFDist(s2, df1 = df)
  squeezed <- squeezeVar(s2, df)
  cases[[length(cases) + 1]] <<- list(name = name, variances = s2, df = rep_len(df, length(s2)), scale = prior$scale,
    prior_df = if (is.finite(prior$df2)) prior$df2 else "Inf", squeezed = as.vector(squeezed$var.post))
}
draw <- function(seed, n, df, d0) {
  set.seed(seed)
  sigma2 <- if (is.finite(d0)) .01 * d0 / rchisq(n, d0) else rep(.01, n)
  signif(sigma2 * rchisq(n, df) / df, 8)
}
put("spread variances, 2 df", draw(1, 80, 2, 4), 2)
put("spread variances, 7 df", draw(2, 40, 7, 6), 7)
put("one common variance, 2 df", draw(3, 30, 2, Inf), 2)
put("one common variance, 3 df, prior infinite", draw(7, 12, 3, Inf), 3)
put("few variances", draw(5, 4, 3, 3), 3)
put("two variances", c(.01, .2), 4)
put("1 df", draw(6, 50, 1, 5), 1)
put("unequal df", draw(8, 60, rep_len(c(1, 2, 3, 7), 60), 5), rep_len(c(1, 2, 3, 7), 60))
put("zeros among them", c(0, 0, draw(9, 30, 2, 4)), 2)
put("tiny variances", draw(10, 25, 4, 5) * 1e-12, 4)
x <- c(1e-8, 1e-7, 1e-4, .01, .1, .5, 1, 2, 10, 100, 1e5, 1e8)
versions <- list(R = R.version.string, limma = as.character(packageVersion("limma")))
cat(toJSON(list(versions = versions, cases = cases, trigamma = list(value = x, inverse = trigammaInverse(x))),
           auto_unbox = TRUE, digits = NA), "\n", sep = "")
