# Makes tests/golden/random_effects.json: analyses by metafor and clubSandwich, with the data they were made from.
#
#   Rscript tests/golden/r/random_effects.R > tests/golden/random_effects.json
#
# Needs metafor (3.8-1), clubSandwich (0.5.8), numDeriv, jsonlite. metafor's optimiser stops about 1e-7 (relative) short
# of the maximum, so multilevel fits are polished: Newton steps on the log-likelihood that metafor itself evaluates at
# fixed components (numDeriv derivatives), then one last fit with the components fixed there.
suppressMessages({library(metafor); library(clubSandwich); library(numDeriv); library(jsonlite)})

cases <- list()
put <- function(name, ...) cases[[length(cases) + 1]] <<- c(list(name = name), list(...))
tight <- list(threshold = 1e-14, maxiter = 10000, tau2.max = 1000)

# ---- data ------------------------------------------------------------------------------------------------------------
bcg <- escalc(measure = "RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = dat.bcg)
bcg <- data.frame(yi = as.numeric(bcg$yi), vi = as.numeric(bcg$vi), ablat = bcg$ablat, year = bcg$year, alloc = bcg$alloc,
                  pair = c(1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7))
school <- data.frame(yi = as.numeric(dat.konstantopoulos2011$yi), vi = as.numeric(dat.konstantopoulos2011$vi),
                     district = dat.konstantopoulos2011$district, school = dat.konstantopoulos2011$school,
                     year = (dat.konstantopoulos2011$year - 1990) / 10)
set.seed(20260801)
grid <- expand.grid(bench = 1:3, arm = 1:3, study = 1:9)
grid <- grid[runif(nrow(grid)) < 0.85, ]
control <- interaction(grid$study, grid$bench, drop = TRUE)
shared <- data.frame(study = grid$study, arm = grid$arm, control = as.integer(control), row = seq_len(nrow(grid)),
                     c = round(runif(nlevels(control), 0.01, 0.04), 4)[as.integer(control)])
shared$vi <- shared$c + round(runif(nrow(shared), 0.01, 0.05), 4)
shared$x <- round(rnorm(nrow(shared)), 3)
shared$size <- round(runif(9), 2)[shared$study]
shared$yi <- round(0.3 + 0.1 * shared$x + rnorm(9, 0, .3)[shared$study] + rnorm(nlevels(control))[control] * sqrt(shared$c) +
  rnorm(27, 0, .25)[shared$study * 3 - 3 + shared$arm] + rnorm(nrow(shared), 0, .15) +
  rnorm(nrow(shared)) * sqrt(shared$vi - shared$c), 4)
deep <- expand.grid(row = 1:2, arm = 1:3, study = 1:4, lab = 1:6)
deep <- deep[runif(nrow(deep)) < 0.9, ]
arm.id <- (deep$lab - 1) * 12 + (deep$study - 1) * 3 + deep$arm
study.id <- (deep$lab - 1) * 4 + deep$study
deep$vi <- round(runif(nrow(deep), 0.01, 0.06), 4)
deep$x <- round(rnorm(nrow(deep)), 3)
deep$yi <- round(0.2 + rnorm(6, 0, .3)[deep$lab] + rnorm(24, 0, .2)[study.id] + rnorm(72, 0, .2)[arm.id] +
  rnorm(nrow(deep), 0, .2) + rnorm(nrow(deep)) * sqrt(deep$vi), 4)
calm <- data.frame(yi = c(.11, .09, .13, .10, .12, .08), vi = c(.02, .03, .015, .04, .025, .03))
small <- bcg[1:8, c("yi", "vi", "ablat")]
shared.V <- diag(shared$vi)
for (i in seq_len(nrow(shared))) for (j in seq_len(nrow(shared)))
  if (i != j && shared$control[i] == shared$control[j]) shared.V[i, j] <- shared$c[i]
decay.V <- outer(seq_len(nrow(shared)), seq_len(nrow(shared)), function(i, j)
  (shared$study[i] == shared$study[j]) * 0.6^abs(i - j) * sqrt(shared$vi[i] * shared$vi[j]))

# ---- what is stored of a fit -----------------------------------------------------------------------------------------
stored <- function(m) {
  clean <- function(v) { v <- as.numeric(v); v[is.na(v)] <- -1; v }
  out <- list(beta = c(m$beta), se = m$se, pval = m$pval, ci.lb = m$ci.lb, ci.ub = m$ci.ub, QE = m$QE, QEp = m$QEp)
  if (!inherits(m, "robust.rma")) out$logLik <- as.numeric(logLik(m))
  if (is.null(m$ddf) || all(is.na(m$ddf))) { } else out$df <- rep_len(as.numeric(m$ddf), length(out$beta))
  if (m$p > 1) {
    QMdf <- as.numeric(m$QMdf)
    out$QM <- m$QM; out$QMdf <- QMdf[1]; out$QMp <- m$QMp
    if (length(QMdf) > 1 && !is.na(QMdf[2])) out$QMdf2 <- QMdf[2]
  }
  if (inherits(m, "rma.mv")) {
    out$tau2 <- m$sigma2
    if (!inherits(m, "robust.rma")) {
      W <- solve(m$V); X <- model.matrix(m)
      P <- W - W %*% X %*% solve(t(X) %*% W %*% X) %*% t(X) %*% W
      out$I2 <- m$sigma2 / (sum(m$sigma2) + (m$k - m$p) / sum(diag(as.matrix(P))))
    }
  } else { out$tau2 <- m$tau2; out$I2 <- m$I2 / 100 }
  if (m$p == 1) { p <- predict(m); out$pi.lb <- as.numeric(p$pi.lb); out$pi.ub <- as.numeric(p$pi.ub) }
  out
}

# ---- univariate ------------------------------------------------------------------------------------------------------
uni <- function(name, data, set, mods = NULL, method = "REML", test = "z", tau2 = NULL, cluster = NULL) {
  formula <- if (is.null(mods)) ~ 1 else as.formula(paste("~", paste(mods, collapse = "+")))
  m <- rma(yi, vi, mods = formula, data = data, method = method, test = test, tau2 = tau2, control = tight)
  if (!is.null(cluster)) m <- robust(m, cluster = data[[cluster]], clubSandwich = TRUE)
  values <- stored(m)
  if (!is.null(cluster)) values$I2 <- NULL
  put(name, kind = "fit", data = set, mods = as.list(mods), method = method,
      test = if (test == "knha") "knapp-hartung" else test, fixed = tau2, cluster = cluster, values = values)
  invisible(m)
}
full <- uni("bcg REML z", bcg, "bcg")
uni("bcg ML z", bcg, "bcg", method = "ML")
uni("bcg REML t", bcg, "bcg", test = "t")
knha <- uni("bcg REML Knapp-Hartung", bcg, "bcg", test = "knha")
uni("bcg ML Knapp-Hartung", bcg, "bcg", method = "ML", test = "knha")
latitude <- uni("bcg latitude z", bcg, "bcg", mods = "ablat")
uni("bcg latitude ML t", bcg, "bcg", mods = "ablat", method = "ML", test = "t")
uni("bcg latitude and year Knapp-Hartung", bcg, "bcg", mods = c("ablat", "year"), test = "knha")
uni("bcg allocation z", bcg, "bcg", mods = "alloc")
uni("bcg allocation Knapp-Hartung", bcg, "bcg", mods = "alloc", test = "knha")
uni("bcg allocation and latitude t", bcg, "bcg", mods = c("alloc", "ablat"), test = "t")
uni("bcg fixed tau2", bcg, "bcg", tau2 = 0.1)
uni("calm at the boundary", calm, "calm")
uni("calm at the boundary Knapp-Hartung", calm, "calm", test = "knha")
uni("bcg CR2 by pair", bcg, "bcg", cluster = "pair")
uni("bcg latitude CR2 by pair", bcg, "bcg", mods = "ablat", cluster = "pair")

prediction <- predict(latitude, newmods = 33)
put("bcg latitude prediction at 33", kind = "predict", data = "bcg", mods = list("ablat"), method = "REML", test = "z",
    row = c(1, 33), values = list(estimate = prediction$pred, se = prediction$se, low = prediction$ci.lb,
    high = prediction$ci.ub, prediction_low = prediction$pi.lb, prediction_high = prediction$pi.ub))
interval <- confint(full, control = list(tol = 1e-13, maxiter = 10000))$random["tau^2", ]
put("bcg Q-profile interval", kind = "q-profile", data = "bcg", method = "REML",
    values = list(low = interval[["ci.lb"]], high = interval[["ci.ub"]]))
interval <- confint(full, type = "PL", control = list(tol = 1e-13, maxiter = 10000))$random["tau^2", ]
put("bcg profile-likelihood interval", kind = "profile", data = "bcg", method = "REML",
    values = list(low = list(interval[["ci.lb"]]), high = list(interval[["ci.ub"]])))

# ---- small-study effects ---------------------------------------------------------------------------------------------
egger <- function(name, model, predictor, test) {
  m <- if (test == "knha") knha else full
  e <- regtest(m, model = model, predictor = predictor, ret.fit = TRUE)
  put(name, kind = "egger", data = "bcg", model = model, predictor = c(sei = "se", vi = "variance")[[predictor]],
      test = if (test == "knha") "knapp-hartung" else test,
      values = list(statistic = as.numeric(e$zval), p = as.numeric(e$pval), at_zero = as.numeric(e$est),
                    low = as.numeric(e$ci.lb), high = as.numeric(e$ci.ub)))
}
egger("bcg Egger mixed z", "rma", "sei", "z")
egger("bcg Egger mixed Knapp-Hartung", "rma", "sei", "knha")
egger("bcg Egger mixed on variance", "rma", "vi", "z")
egger("bcg Egger classical", "lm", "sei", "z")

# ---- leave-one-out, influence, permutation ---------------------------------------------------------------------------
left <- leave1out(knha)
put("bcg leave-one-out Knapp-Hartung", kind = "leave-one-out", data = "bcg", method = "REML", test = "knapp-hartung",
    values = list(estimate = left$estimate, se = left$se, low = left$ci.lb, high = left$ci.ub, tau2 = left$tau2,
                  i2 = left$I2 / 100, q = left$Q))
influenced <- function(name, m, mods, test) {
  f <- influence(m)
  put(name, kind = "influence", data = "bcg", mods = as.list(mods), method = "REML", test = test,
      values = list(cooks_distance = f$inf$cook.d, covariance_ratio = f$inf$cov.r, tau2 = f$inf$tau2.del,
                    dfbetas = unname(do.call(cbind, unclass(f$dfbs)[seq_len(m$p)])), weight = f$inf$weight / 100))
}
influenced("bcg influence", full, NULL, "z")
influenced("bcg influence Knapp-Hartung", knha, NULL, "knapp-hartung")
influenced("bcg latitude influence", latitude, "ablat", "z")
cases[[length(cases)]]$values$weight <- NULL
permuted <- function(name, mods, test) {
  formula <- if (is.null(mods)) ~ 1 else as.formula(paste("~", mods))
  data <- if (is.null(mods)) small else small[1:6, ]
  m <- rma(yi, vi, mods = formula, data = data, test = test, control = tight)
  p <- permutest(m, exact = TRUE, progbar = FALSE)
  put(name, kind = "permutation", data = if (is.null(mods)) "small" else "smaller", mods = as.list(mods),
      knapp_hartung = test == "knha", values = list(p = as.numeric(p$pval)))
}
permuted("small signs exact", NULL, "z")
permuted("small signs exact Knapp-Hartung", NULL, "knha")
permuted("small latitude exact", "ablat", "z")

# ---- multilevel ------------------------------------------------------------------------------------------------------
polish <- function(start, at) {
  s <- start
  moving <- which(s > 1e-7)
  s[-moving] <- 0
  if (length(moving) == 0) return(s)
  value <- function(log.s) { s[moving] <- exp(log.s); as.numeric(logLik(at(s))) }
  theta <- log(s[moving])
  for (i in 1:4) theta <- theta - solve(hessian(value, theta), grad(value, theta))
  s[moving] <- exp(theta)
  s
}
known <- new.env()
multi <- function(name, data, set, random, levels, V = data$vi, V.name = NULL, mods = NULL, method = "REML", test = "z",
                  dfs = "residual", cluster = NULL) {
  formula <- if (is.null(mods)) ~ 1 else as.formula(paste("~", paste(mods, collapse = "+")))
  at <- function(sigma2) suppressWarnings(rma.mv(yi, V, mods = formula, random = random, data = data, method = method,
                                                 test = test, dfs = dfs, sigma2 = sigma2))
  key <- paste(set, deparse(random), V.name, paste(mods, collapse = "+"), method)
  if (is.null(known[[key]])) known[[key]] <- polish(at(NA_real_ + numeric(length(levels)))$sigma2, at)
  m <- at(known[[key]])
  if (!is.null(cluster)) m <- robust(m, cluster = data[[cluster]], clubSandwich = TRUE)
  put(name, kind = "fit", data = set, levels = as.list(levels), V = V.name, mods = as.list(mods), method = method,
      test = test, dfs = dfs, cluster = cluster, values = stored(m))
  invisible(list(m = m, at = at))
}
two <- c("district", "school")
nested <- ~ 1 | district/school
kon <- multi("schools three-level REML", school, "school", nested, two)
multi("schools three-level ML", school, "school", nested, two, method = "ML")
multi("schools t residual", school, "school", nested, two, test = "t")
multi("schools t contain", school, "school", nested, two, test = "t", dfs = "contain")
multi("schools year z", school, "school", nested, two, mods = "year")
multi("schools year t contain", school, "school", nested, two, mods = "year", test = "t", dfs = "contain")
multi("schools CR2", school, "school", nested, two, cluster = "district")
multi("schools year CR2", school, "school", nested, two, mods = "year", cluster = "district")
multi("schools district alone", school, "school", ~ 1 | district, "district")
inner <- ~ 1 | study/row
multi("shared control three-level", shared, "shared", inner, c("study", "row"), shared.V, "shared")
multi("shared control three-level ML", shared, "shared", inner, c("study", "row"), shared.V, "shared", method = "ML")
multi("shared control CR2", shared, "shared", inner, c("study", "row"), shared.V, "shared", cluster = "study")
multi("shared control moderators", shared, "shared", inner, c("study", "row"), shared.V, "shared", mods = c("x", "size"))
multi("shared control moderators CR2", shared, "shared", inner, c("study", "row"), shared.V, "shared",
      mods = c("x", "size"), cluster = "study")
multi("shared control across arms", shared, "shared", ~ 1 | study/arm/row, c("study", "arm", "row"), shared.V, "shared")
multi("shared control across arms CR2", shared, "shared", ~ 1 | study/arm/row, c("study", "arm", "row"), shared.V,
      "shared", mods = "x", cluster = "study")
multi("shared control row level alone", shared, "shared", ~ 1 | row, "row", shared.V, "shared", mods = "x", test = "t")
multi("decaying covariance", shared, "shared", inner, c("study", "row"), decay.V, "decay", mods = "x")
multi("decaying covariance CR2", shared, "shared", inner, c("study", "row"), decay.V, "decay", cluster = "study")
four <- c("lab", "study", "arm", "row")
multi("four random levels", deep, "deep", ~ 1 | lab/study/arm/row, four)
multi("four random levels ML moderator", deep, "deep", ~ 1 | lab/study/arm/row, four, mods = "x", method = "ML")
multi("four random levels CR2", deep, "deep", ~ 1 | lab/study/arm/row, four, cluster = "lab")

ends <- lapply(1:2, function(j) {
  cut <- qchisq(0.95, 1)
  best <- as.numeric(logLik(kon$m))
  profiled <- function(value) {
    inside <- function(log.other) { s <- numeric(2); s[j] <- value; s[3 - j] <- exp(log.other); -as.numeric(logLik(kon$at(s))) }
    2 * (best + optimize(inside, log(kon$m$sigma2[3 - j]) + c(-4, 2), tol = 1e-9)$objective) - cut
  }
  root <- function(a, b) uniroot(profiled, c(a, b), tol = 1e-11)$root
  hat <- kon$m$sigma2[j]
  c(if (profiled(0) < 0) 0 else root(1e-12, hat), root(hat, 20 * hat))
})
put("schools profile intervals", kind = "profile", data = "school", levels = as.list(two), method = "REML",
    values = list(low = lapply(ends, `[`, 1), high = lapply(ends, `[`, 2)))
left <- lapply(sort(unique(school$district)), function(d) {
  kept <- school[school$district != d, ]
  at <- function(s) rma.mv(yi, vi, random = nested, data = kept, sigma2 = s)
  at(polish(at(c(NA_real_, NA_real_))$sigma2, at))
})
put("schools leave-one-district-out", kind = "leave-one-out", data = "school", levels = as.list(two), method = "REML",
    test = "z", group = "district", values = list(estimate = sapply(left, function(m) c(m$beta)), se = sapply(left, `[[`, "se"),
    low = sapply(left, `[[`, "ci.lb"), high = sapply(left, `[[`, "ci.ub"), q = sapply(left, `[[`, "QE")))
put("schools influence by district", kind = "influence", data = "school", levels = as.list(two), method = "REML",
    test = "z", group = "district",
    values = list(cooks_distance = sapply(left, function(m) c(kon$m$beta - m$beta)^2 / c(kon$m$vb))))

cat(toJSON(list(
  versions = list(R = R.version.string, metafor = as.character(packageVersion("metafor")),
                  clubSandwich = as.character(packageVersion("clubSandwich"))),
  data = list(bcg = bcg, school = school, shared = shared, deep = deep[c("lab", "study", "arm", "row", "yi", "vi", "x")],
              calm = calm, small = small, smaller = small[1:6, ]),
  cases = cases), digits = NA, dataframe = "columns", auto_unbox = TRUE, null = "null", pretty = 1))
