# Makes tests/golden/selection.json: step-function selection models and PET-PEESE by metafor on public data (metadat).
#
#   Rscript tests/golden/r/selection.R > tests/golden/selection.json
#
# Needs metafor (3.8-1), metadat, jsonlite.
suppressMessages({library(metafor); library(metadat); library(jsonlite)})
get <- function(d) { d <- d[!is.na(d$yi) & !is.na(d$vi), ]; data.frame(yi = as.numeric(d$yi), vi = as.numeric(d$vi)) }
sets <- list(
  hackshaw1998 = get(dat.hackshaw1998),
  egger2001 = get(escalc(measure = "OR", ai = ai, n1i = n1i, ci = ci, n2i = n2i, data = dat.egger2001)),
  mcdaniel1994 = get(escalc(measure = "ZCOR", ri = ri, ni = ni, data = dat.mcdaniel1994)),
  dorn2007 = get(escalc(measure = "RR", ai = x.p, n1i = n.p, ci = x.a, n2i = n.a, data = dat.dorn2007)),
  raudenbush1985 = get(dat.raudenbush1985),
  bcg = { d <- get(escalc(measure = "RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = dat.bcg)); d$yi <- -d$yi; d },
  bangertdrowns2004 = get(dat.bangertdrowns2004))
cases <- list()
for (name in names(sets)) for (steps in list(0.025, c(0.025, 0.5))) {
  d <- sets[[name]]
  r <- rma(yi, vi, data = d, method = "ML")
  s <- try(selmodel(r, type = "stepfun", steps = steps, alternative = "greater",
           control = list(optimizer = "optim", optmethod = "BFGS", reltol = 1e-14)), silent = TRUE)
  if (inherits(s, "try-error") || any(is.na(s$se)) || any(s$delta > 20)) next
  cases[[length(cases) + 1]] <- list(kind = "step", data = name, steps = I(steps), values = list(
    estimate = c(s$beta), se = s$se, tau2 = s$tau2, weights = s$delta, log_likelihood = as.numeric(logLik(s)), p = s$LRTp))
}
for (name in names(sets)) {
  d <- sets[[name]]; r <- rma(yi, vi, data = d)
  pet <- regtest(r, model = "lm", predictor = "sei"); peese <- regtest(r, model = "lm", predictor = "vi")
  pick <- function(t) { m <- summary(t$fit); c(estimate = coef(m)[1, 1], se = coef(m)[1, 2] / max(m$sigma, 0) * m$sigma, p = coef(m)[1, 4]) }
  a <- pick(pet); b <- pick(peese)
  use <- if (a["estimate"] > 0 && a["p"] < 0.10) b else a
  cases[[length(cases) + 1]] <- list(kind = "pet-peese", data = name, values = list(
    estimate = unname(use["estimate"]), se = unname(use["se"]), p_selection = pet$pval))
}
cat(toJSON(list(versions = list(R = R.version.string, metafor = as.character(packageVersion("metafor"))), data = sets,
                cases = cases), digits = NA, dataframe = "columns", auto_unbox = TRUE, pretty = 1))
