# The metafor side of benchmarks/random_effects.py: reads the tables in the folder given, prints "name processor-seconds".
suppressMessages(library(metafor))
folder <- commandArgs(trailingOnly = TRUE)[1]
table <- function(name) read.csv(file.path(folder, paste0(name, ".csv")))
seconds <- function(repeats, run) {  # best of five rounds
  run()
  min(replicate(5, { t <- proc.time(); for (i in seq_len(repeats)) run(); sum((proc.time() - t)[1:2]) / repeats }))
}
say <- function(name, value) cat(name, format(value, digits = 12), "\n")

one <- table("univariate")
say("univariate", seconds(100, function() rma(y, v, data = one)))
say("univariate.tau2", rma(y, v, data = one)$tau2)
nested <- table("nested")
say("nested", seconds(2, function() rma.mv(y, v, random = ~ 1 | study/row, data = nested)))
m <- rma.mv(y, v, random = ~ 1 | study/row, data = nested)
say("nested.tau2", m$sigma2[1])
full <- table("full")
V <- Matrix::bdiag(lapply(split(full, full$study), function(d) {
  S <- outer(d$shared, d$shared, `==`) * d$c
  diag(S) <- d$v
  S
}))
t <- proc.time()
m <- rma.mv(y, V, mods = ~ 0 + role, random = ~ 1 | study/row, data = full, sparse = TRUE)
r <- robust(m, cluster = study, clubSandwich = TRUE)
say("full", sum((proc.time() - t)[1:2]))
say("full.tau2", m$sigma2[1])
say("full.se", r$se[1])
