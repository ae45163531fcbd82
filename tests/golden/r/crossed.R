# Makes tests/golden/crossed.json: crossed mixed models fitted by lme4 to balanced data, with the data.
#
#   Rscript tests/golden/r/crossed.R > tests/golden/crossed.json
#
# Needs lme4 (1.1-31), jsonlite. In balanced data with all components positive, REML equals the ANOVA estimator, whose
# variance of a mean is (MS_item + MS_replicate - MS_residual) / (R I): the sum that the project computes directly.
suppressMessages({library(lme4); library(jsonlite)})
control <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhobeg = 0.2, rhoend = 1e-11, maxfun = 1e6))
fit <- function(formula, data) {
  model <- lmer(formula, data, REML = TRUE, control = control)
  stopifnot(all(as.data.frame(VarCorr(model))$vcov > 1e-8))
  model
}
cases <- list()
put <- function(...) cases[[length(cases) + 1]] <<- list(...)
draw <- function(seed, arms, reps, clusters, size, paired, arm_item = .1, common = .15) {
  # scores[arm, replicate, item], rounded so that the file holds exactly what was fitted
  set.seed(seed)
  items <- clusters * size
  cluster <- rep(seq_len(clusters), each = size)
  base <- .5 + rnorm(items, 0, .12) + if (size > 1) rnorm(clusters, 0, .15)[cluster] else 0
  own <- matrix(rnorm(arms * items, 0, arm_item), arms)
  rep_common <- rnorm(reps, 0, common)
  rep_cluster <- array(rnorm(arms * reps * clusters, 0, if (size > 1) .08 else 0), c(arms, reps, clusters))
  y <- array(0, c(arms, reps, items))
  for (a in seq_len(arms)) for (r in seq_len(reps))
    y[a, r, ] <- base + own[a, ] + (if (paired) rep_common[r] else 0) + rnorm(1, 0, .1) + .1 * (a - 1) +
      rep_cluster[a, r, cluster] + rnorm(items, 0, .08)
  list(y = round(y, 4), cluster = cluster)
}
long <- function(d) {
  g <- expand.grid(arm = seq_len(dim(d$y)[1]), rep = seq_len(dim(d$y)[2]), item = seq_len(dim(d$y)[3]))
  g$y <- as.vector(d$y)
  g$cluster <- d$cluster[g$item]
  for (name in c("rep", "item", "cluster")) g[[name]] <- factor(g[[name]])
  g$armrep <- factor(paste(g$arm, g$rep)); g$armitem <- factor(paste(g$arm, g$item))
  g$cr <- factor(paste(g$cluster, g$rep))
  g
}
components <- function(model) {
  v <- as.data.frame(VarCorr(model)); setNames(as.list(v$vcov), v$grp)
}
for (k in 1:4) {  # one arm: items x replicates
  reps <- c(2, 3, 5, 8)[k]; items <- c(40, 25, 12, 60)[k]
  d <- draw(10 + k, 1, reps, items, 1, FALSE)
  m <- fit(y ~ 1 + (1 | item) + (1 | rep), long(d))
  put(name = paste("mean", k), kind = "mean", scores = d$y, cluster = d$cluster, paired = FALSE, weights = 1,
      value = unname(fixef(m)), variance = vcov(m)[1, 1], components = components(m))
}
for (k in 1:3) {  # paired arms: the same model of the differences
  reps <- c(3, 4, 6)[k]; items <- c(30, 45, 20)[k]
  d <- draw(20 + k, 2, reps, items, 1, TRUE)
  g <- expand.grid(rep = factor(seq_len(reps)), item = factor(seq_len(items)))
  g$y <- as.vector(d$y[2, , ] - d$y[1, , ])
  m <- fit(y ~ 1 + (1 | item) + (1 | rep), g)
  put(name = paste("paired", k), kind = "paired", scores = d$y, cluster = d$cluster, paired = TRUE,
      weights = c(-1, 1), value = unname(fixef(m)), variance = vcov(m)[1, 1], components = components(m))
}
for (k in 1:3) {  # independent arms: items crossed with arms, replicates nested in arms
  reps <- c(3, 4, 6)[k]; items <- c(30, 45, 20)[k]
  d <- draw(30 + k, 2, reps, items, 1, FALSE)
  m <- fit(y ~ factor(arm) + (1 | item) + (1 | armitem) + (1 | armrep), long(d))
  put(name = paste("independent", k), kind = "independent", scores = d$y, cluster = d$cluster, paired = FALSE,
      weights = c(-1, 1), value = unname(fixef(m)[2]), variance = vcov(m)[2, 2], components = components(m))
}
for (k in 1:3) {  # clusters of equal size: clusters x replicates
  reps <- c(3, 4, 5)[k]; clusters <- c(12, 20, 9)[k]; size <- c(4, 3, 6)[k]
  d <- draw(40 + k, 1, reps, clusters, size, FALSE)
  m <- fit(y ~ 1 + (1 | cluster) + (1 | item) + (1 | rep) + (1 | cr), long(d))
  put(name = paste("clusters", k), kind = "clusters", scores = d$y, cluster = d$cluster, paired = FALSE, weights = 1,
      value = unname(fixef(m)), variance = vcov(m)[1, 1], components = components(m))
}
versions <- list(R = R.version.string, lme4 = as.character(packageVersion("lme4")))
cat(toJSON(list(versions = versions, cases = cases), auto_unbox = TRUE, digits = NA), "\n", sep = "")
