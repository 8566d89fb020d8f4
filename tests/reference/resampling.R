# bootMer and power by refits of lmer: Rscript resampling.R  (writes resampling.json; takes some minutes)
suppressMessages({library(lme4); library(lmerTest); library(jsonlite)})
m <- lme4::lmer(Reaction ~ Days + (Days | Subject), sleepstudy)
n <- 2000
told <- function(x) { v <- as.data.frame(VarCorr(x)); c(fixef(x), v$sdcor[c(1, 2, 3)], sigma(x)) }
boot <- function(use_u, seed) {
  t <- suppressMessages(suppressWarnings(bootMer(m, told, nsim = n, seed = seed, use.u = use_u)$t))
  list(mean = unname(colMeans(t, na.rm = TRUE)), sd = unname(apply(t, 2, sd, na.rm = TRUE)),
       quartiles = unname(t(apply(t, 2, quantile, c(0.25, 0.5, 0.75), na.rm = TRUE))))
}
# refit() will not do: lmerTest would take the variances' information from the outcome in the data
set.seed(3)
half <- t(chol(as.matrix(VarCorr(m)$Subject)))
p <- sapply(seq_len(n), function(k) {
  d <- sleepstudy; subject <- as.integer(d$Subject)
  b <- half %*% matrix(rnorm(36), 2)
  d$y <- fixef(m)[[1]] + 4 * d$Days + b[1, subject] + b[2, subject] * d$Days + rnorm(180, sd = sigma(m))
  fit <- suppressWarnings(suppressMessages(lmerTest::lmer(y ~ Days + (Days | Subject), d)))
  suppressWarnings(suppressMessages(coef(summary(fit))["Days", "Pr(>|t|)"]))
})
write(toJSON(list(
  versions = list(R = R.version.string, lme4 = as.character(packageVersion("lme4")), lmerTest = as.character(packageVersion("lmerTest"))),
  n = n, names = c("Intercept", "Days", "sd__Intercept|Subject", "sd__Days|Subject", "cor__Intercept.Days|Subject", "sigma"),
  new = boot(FALSE, 1), conditional = boot(TRUE, 2),
  power = list(effect = 4, "0.05" = mean(p < 0.05), "0.01" = mean(p < 0.01))
), digits = NA, auto_unbox = TRUE, pretty = TRUE), "resampling.json")
