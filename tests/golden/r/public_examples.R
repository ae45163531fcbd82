# Makes tests/golden/public_examples.json: further public meta-analyses, by metafor and clubSandwich.
#
#   Rscript tests/golden/r/public_examples.R > tests/golden/public_examples.json
#
# Needs metafor (3.8-1), metadat, clubSandwich (0.5.8), jsonlite. One random effect per row, or rows within clusters.
suppressMessages({library(metafor); library(metadat); library(clubSandwich); library(jsonlite)})
e <- escalc
sets <- list(
  hackshaw1998 = quote(data.frame(yi = dat.hackshaw1998$yi, vi = dat.hackshaw1998$vi, x = dat.hackshaw1998$year)),
  raudenbush1985 = quote(data.frame(yi = dat.raudenbush1985$yi, vi = dat.raudenbush1985$vi, x = dat.raudenbush1985$weeks)),
  bangertdrowns2004 = quote(data.frame(yi = dat.bangertdrowns2004$yi, vi = dat.bangertdrowns2004$vi, x = dat.bangertdrowns2004$length)),
  kalaian1996 = quote(data.frame(yi = dat.kalaian1996$yi, vi = dat.kalaian1996$vi, cluster = dat.kalaian1996$study, x = dat.kalaian1996$hrs)),
  assink2016 = quote(data.frame(yi = dat.assink2016$yi, vi = dat.assink2016$vi, cluster = dat.assink2016$study, x = dat.assink2016$year)),
  berkey1998 = quote(data.frame(yi = dat.berkey1998$yi, vi = dat.berkey1998$vi, cluster = dat.berkey1998$trial, x = dat.berkey1998$year)),
  lehmann2018 = quote({d <- dat.lehmann2018; data.frame(yi = d$yi, vi = d$vi, cluster = as.integer(factor(d$Short_Title)))}),
  tannersmith2016 = quote({d <- dat.tannersmith2016; data.frame(yi = d$yi, vi = d$vi, cluster = d$studyid)}),
  bakdash2021 = quote({d <- dat.bakdash2021; data.frame(yi = d$es.z, vi = d$vi.z, cluster = as.integer(factor(d$SampleID)))}),
  mcdaniel1994 = quote({d <- e("ZCOR", ri = ri, ni = ni, data = dat.mcdaniel1994); data.frame(yi = d$yi, vi = d$vi)}),
  crede2010 = quote({d <- e("ZCOR", ri = ri, ni = ni, data = dat.crede2010); data.frame(yi = d$yi, vi = d$vi, cluster = d$studyid)}),
  molloy2014 = quote({d <- e("ZCOR", ri = ri, ni = ni, data = dat.molloy2014); data.frame(yi = d$yi, vi = d$vi, x = d$meanage)}),
  aloe2013 = quote({d <- dat.aloe2013; d <- e("PCOR", ti = tval, ni = n, mi = preds, data = d); data.frame(yi = d$yi, vi = d$vi)}),
  bornmann2007 = quote({d <- e("OR", ai = waward, n1i = wtotal, ci = maward, n2i = mtotal, data = dat.bornmann2007)
                        data.frame(yi = d$yi, vi = d$vi, cluster = as.integer(factor(d$study)), x = d$year)}),
  collins1985a = quote({d <- e("OR", ai = b.xti, n1i = nti, ci = b.xci, n2i = nci, data = dat.collins1985a); data.frame(yi = d$yi, vi = d$vi)}),
  egger2001 = quote({d <- e("OR", ai = ai, n1i = n1i, ci = ci, n2i = n2i, data = dat.egger2001); data.frame(yi = d$yi, vi = d$vi)}),
  hine1989 = quote({d <- e("RD", ai = ai, n1i = n1i, ci = ci, n2i = n2i, data = dat.hine1989); data.frame(yi = d$yi, vi = d$vi)}),
  hart1999 = quote({d <- e("IRR", x1i = x1i, x2i = x2i, t1i = t1i, t2i = t2i, data = dat.hart1999); data.frame(yi = d$yi, vi = d$vi)}),
  nielweise2007 = quote({d <- e("OR", ai = ai, n1i = n1i, ci = ci, n2i = n2i, data = dat.nielweise2007); data.frame(yi = d$yi, vi = d$vi)}),
  nielweise2008 = quote({d <- e("IRR", x1i = x1i, x2i = x2i, t1i = t1i, t2i = t2i, data = dat.nielweise2008); data.frame(yi = d$yi, vi = d$vi)}),
  pagliaro1992 = quote({d <- e("OR", ai = ai, n1i = n1i, ci = ci, n2i = n2i, data = dat.pagliaro1992); data.frame(yi = d$yi, vi = d$vi)}),
  linde2005 = quote({d <- e("RR", ai = ai, n1i = n1i, ci = ci, n2i = n2i, data = dat.linde2005); data.frame(yi = d$yi, vi = d$vi)}),
  lau1992 = quote({d <- e("OR", ai = ai, n1i = n1i, ci = ci, n2i = n2i, data = dat.lau1992); data.frame(yi = d$yi, vi = d$vi, x = d$year)}),
  yusuf1985 = quote({d <- e("PETO", ai = ai, n1i = n1i, ci = ci, n2i = n2i, data = dat.yusuf1985); data.frame(yi = d$yi, vi = d$vi)}),
  li2007 = quote({d <- e("OR", ai = ai, n1i = n1i, ci = ci, n2i = n2i, data = dat.li2007); data.frame(yi = d$yi, vi = d$vi, x = d$year)}),
  dorn2007 = quote({d <- e("RR", ai = x.p, n1i = n.p, ci = x.a, n2i = n.a, data = dat.dorn2007); data.frame(yi = d$yi, vi = d$vi)}),
  curtis1998 = quote({d <- e("ROM", m1i = m1i, sd1i = sd1i, n1i = n1i, m2i = m2i, sd2i = sd2i, n2i = n2i, data = dat.curtis1998)
                      data.frame(yi = d$yi, vi = d$vi, cluster = d$paper)}),
  gibson2002 = quote({d <- e("SMD", m1i = m1i, sd1i = sd1i, n1i = n1i, m2i = m2i, sd2i = sd2i, n2i = n2i, data = dat.gibson2002)
                      data.frame(yi = d$yi, vi = d$vi, x = d$year)}),
  normand1999 = quote({d <- e("SMD", m1i = m1i, sd1i = sd1i, n1i = n1i, m2i = m2i, sd2i = sd2i, n2i = n2i, data = dat.normand1999)
                       data.frame(yi = d$yi, vi = d$vi)}),
  SATcoaching = quote({d <- get(data("SATcoaching", package = "clubSandwich")); data.frame(yi = d$d, vi = d$V, cluster = as.integer(factor(d$study)))}),
  viechtbauer2021 = quote({d <- e("OR", ai = xTi, n1i = nTi, ci = xCi, n2i = nCi, data = dat.viechtbauer2021, add = 1/2, to = "all")
                           data.frame(yi = d$yi, vi = d$vi, x = d$dose)}))
tight <- list(optimizer = "nlminb", rel.tol = 1e-12, iter.max = 1000, eval.max = 2000)
kept <- list(); cases <- list()
for (name in names(sets)) {
  d <- try(suppressWarnings(eval(sets[[name]])), silent = TRUE)
  if (inherits(d, "try-error")) { message("left out: ", name); next }
  d <- as.data.frame(lapply(d, as.numeric)); d <- d[complete.cases(d) & d$vi > 0, , drop = FALSE]; d$row <- seq_len(nrow(d))
  out <- try(suppressWarnings({
    if (is.null(d$cluster)) {
      m <- rma(yi, vi, data = d, test = "knha", control = list(threshold = 1e-14, maxiter = 10000))
      list(kind = "rows", values = list(beta = c(m$beta), se = m$se, tau2 = m$tau2, log_likelihood = as.numeric(logLik(m)), q = m$QE))
    } else {
      m <- rma.mv(yi, vi, random = ~ 1 | cluster / row, data = d, control = tight)
      ct <- coef_test(m, vcov = "CR2", cluster = d$cluster)
      list(kind = "clusters", values = list(beta = c(m$beta), se = ct$SE, df = ct$df, log_likelihood = as.numeric(logLik(m)), q = m$QE))
    }
  }), silent = TRUE)
  if (inherits(out, "try-error")) { message("left out: ", name); next }
  kept[[name]] <- d
  cases[[length(cases) + 1]] <- c(list(data = name), out)
  if (!is.null(d$x) && length(unique(d$x)) > 2) {
    m <- suppressWarnings(try(if (is.null(d$cluster)) rma(yi, vi, mods = ~ I((x - mean(x)) / sd(x)), data = d, control = list(threshold = 1e-14, maxiter = 10000))
      else rma.mv(yi, vi, mods = ~ I((x - mean(x)) / sd(x)), random = ~ 1 | cluster / row, data = d, control = tight), silent = TRUE))
    if (inherits(m, "try-error")) next
    g <- if (is.null(d$cluster)) d$row else d$cluster
    w <- Wald_test(m, constraints = constrain_zero(2), vcov = vcovCR(m, cluster = g, type = "CR2"), test = "HTZ")
    cases[[length(cases) + 1]] <- list(data = name, kind = "slope", values = list(beta = c(m$beta), log_likelihood = as.numeric(logLik(m)),
                                       wald = w$Fstat, wald_df = w$df_denom))
  }
}
cat(toJSON(list(versions = list(R = R.version.string, metafor = as.character(packageVersion("metafor")),
                                clubSandwich = as.character(packageVersion("clubSandwich"))),
                data = lapply(kept, function(d) d[setdiff(names(d), "row")]), cases = cases), digits = NA, dataframe = "columns", auto_unbox = TRUE))
