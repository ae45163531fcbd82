# Makes tests/golden/by_category.json: random effects by category, by metafor's rma.mv and clubSandwich.
#
#   Rscript tests/golden/r/by_category.R > tests/golden/by_category.json
#
# Needs metafor (3.8-1), metadat, clubSandwich (0.5.8), jsonlite. Public data: metadat.
suppressMessages({library(metafor); library(metadat); library(clubSandwich); library(jsonlite)})
assink <- dat.assink2016
assink <- data.frame(yi = assink$yi, vi = assink$vi, group = assink$study, category = assink$deltype)
assink$category <- ifelse(assink$category == "general", "general", "other")
born <- escalc(measure = "OR", ai = waward, n1i = wtotal, ci = maward, n2i = mtotal, data = dat.bornmann2007)
born <- data.frame(yi = as.numeric(born$yi), vi = as.numeric(born$vi), group = as.integer(factor(born$study)),
                   category = as.character(born$type))
school <- dat.konstantopoulos2011
school <- data.frame(yi = as.numeric(school$yi), vi = as.numeric(school$vi), group = school$district,
                     category = ifelse(school$year > 1990, "late", "early"))
sets <- list(assink = assink, born = born, school = school)
tight <- list(optimizer = "nlminb", rel.tol = 1e-10, iter.max = 1000, eval.max = 2000)
cases <- list()
for (name in names(sets)) for (struct in c("HCS", "UN")) for (rows in c("ONE", "DIAG")) {
  d <- sets[[name]]; d$row <- seq_len(nrow(d)); d$category <- factor(d$category)
  random <- if (rows == "DIAG") list(~ category | group, ~ category | row) else list(~ category | group, ~ 1 | row)
  m <- try(rma.mv(yi, vi, mods = ~ category - 1, random = random, struct = if (rows == "DIAG") c(struct, "DIAG") else struct,
                  data = d, control = tight), silent = TRUE)
  if (inherits(m, "try-error") || any(abs(m$rho) > 0.99)) next
  ct <- coef_test(m, vcov = "CR2", cluster = d$group)
  cases[[length(cases) + 1]] <- list(data = name, struct = struct, rows = rows, values = list(
    beta = c(m$beta), se = m$se, log_likelihood = as.numeric(logLik(m)), tau2 = m$tau2, cr2_se = ct$SE, cr2_df = ct$df))
}
cat(toJSON(list(versions = list(R = R.version.string, metafor = as.character(packageVersion("metafor")),
                                clubSandwich = as.character(packageVersion("clubSandwich"))),
                data = lapply(sets, function(d) { d$category <- as.character(d$category); d }), cases = cases),
           digits = NA, dataframe = "columns", auto_unbox = TRUE, pretty = 1))
