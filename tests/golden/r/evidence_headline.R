# Refits the headline model of the evidence with metafor: random effects by role, correlated within studies.
#
#   python tests/golden/evidence_rows.py > rows.json
#   Rscript tests/golden/r/evidence_headline.R rows.json > tests/golden/evidence_headline.json
#
# Needs metafor (3.8-1), clubSandwich (0.5.8), jsonlite. One fit takes about a minute.
suppressMessages({library(metafor); library(clubSandwich); library(jsonlite); library(Matrix)})
d <- as.data.frame(fromJSON(commandArgs(TRUE)[1]))
d$row <- seq_len(nrow(d))
V <- Matrix(0, nrow(d), nrow(d), sparse = TRUE)
for (g in unique(d$control[d$control >= 0])) { i <- which(d$control == g); V[i, i] <- d$c[i[1]] }
diag(V) <- d$vi
refit <- function(groups, rows) {
  random <- if (rows == "DIAG") list(~ role | study, ~ role | row) else list(~ role | study, ~ 1 | row)
  struct <- if (rows == "DIAG") c(groups, "DIAG") else groups
  m <- rma.mv(yi, V, mods = ~ role - 1, random = random, struct = struct, data = d, sparse = TRUE,
              control = list(optimizer = "nlminb", rel.tol = 1e-9, iter.max = 1000, eval.max = 2000))
  ct <- coef_test(m, vcov = "CR2", cluster = d$study)
  list(roles = sub("role", "", rownames(m$beta)), beta = c(m$beta), se = m$se, log_likelihood = as.numeric(logLik(m)),
       tau2 = m$tau2, rho = m$rho, gamma2 = if (rows == "DIAG") m$gamma2 else m$sigma2,
       cr2_se = ct$SE, cr2_df = ct$df)
}
cat(toJSON(list(versions = list(R = R.version.string, metafor = as.character(packageVersion("metafor")),
                                clubSandwich = as.character(packageVersion("clubSandwich"))),
                n = nrow(d), hcs_diag = refit("HCS", "DIAG")),
           digits = NA, auto_unbox = TRUE, pretty = 1))
