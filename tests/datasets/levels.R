# Types and factor levels of the tables as R's packages have them, to hold the shipped tables against:
#   Rscript levels.R > levels.json      (Debian: r-cran-lme4 r-cran-mlmrev r-cran-nlme r-cran-jsonlite)
suppressMessages({library(lme4); library(mlmRev); library(nlme); library(jsonlite)})
columns <- function(d) lapply(d, function(x) if (is.factor(x)) list(levels = levels(x), ordered = is.ordered(x), codes_sum = sum(as.integer(x) * seq_along(x))) else list(sum = sum(x), first = x[1]))
out <- list()
for (name in c("sleepstudy", "Penicillin", "Pastes", "Dyestuff2", "cake", "cbpp", "grouseticks", "VerbAgg")) {
  data(list = name, package = "lme4"); d <- as.data.frame(get(name))
  if (name == "cake") d <- d[, c("replicate", "recipe", "temp", "angle")]
  if (name == "grouseticks") d$cHEIGHT <- d$HEIGHT - mean(d$HEIGHT)
  out[[tolower(name)]] <- columns(d)
}
data(Contraception, package = "mlmRev"); out$contraception <- columns(Contraception)
pupils <- as.data.frame(MathAchieve); schools <- as.data.frame(MathAchSchool)
h <- merge(pupils, schools[, c("School", "Size", "Sector", "PRACAD", "DISCLIM")], by = "School")
h$School <- factor(as.character(h$School), levels = levels(schools$School)); h <- h[order(h$School), ]; names(h) <- tolower(names(h))
out$hsb <- columns(h)
cat(toJSON(out, digits = 10, auto_unbox = TRUE, pretty = FALSE), "\n")
